import { MongoServerError, type Db, type Document } from 'mongodb';
import { serviceFault } from '../../clients/fault.js';
import { EVENTS_COLLECTION } from '../../core/names.js';
import type { Finding } from '../../core/verification.js';
import { failed, passed, type Check, type CheckDeps } from './check.js';

export interface ReplicaSetFacts {
  /** Null: not a replica set, so there is no change stream. */
  readonly setName: string | null;
  readonly primary: string | null;
  /** `host:port` and state (PRIMARY, SECONDARY ...); null where the server does not tell them. */
  readonly members: readonly { readonly name: string; readonly state: string }[] | null;
  /** Null: there is no such collection. */
  readonly preImages: boolean | null;
}

/** States of a member that does its part. ARBITER votes. */
const WELL = new Set(['PRIMARY', 'SECONDARY', 'ARBITER']);

/** The replica set has a primary, its members are well, and the events keep their pre-images. */
export const replicaSet: Check = {
  name: 'replica-set',
  hop: 'mongo',
  stage: 'hops',
  run: async (deps) => judgeReplicaSet(await read(deps)),
};

export function judgeReplicaSet(facts: ReplicaSetFacts): Finding {
  const { setName, primary, members, preImages } = facts;
  const evidence = { ...facts, members: members?.map((member) => ({ ...member })) ?? null };
  const fail = (summary: string, next: string): Finding => failed(summary, evidence, next);
  if (setName === null) {
    return fail(
      'MongoDB is no replica set',
      'start mongod with --replSet and initiate it: there is no change stream without',
    );
  }
  if (primary === null)
    return fail(`replica set ${setName} has no primary`, 'start its members: a majority must be up');
  const ill = (members ?? []).filter(({ state }) => !WELL.has(state));
  if (ill.length > 0) {
    const states = ill.map(({ name, state }) => `${name} is ${state}`).join(', ');
    return fail(`replica set ${setName}: ${states}`, 'look into the logs of those members');
  }
  if (preImages === null) {
    return fail(`collection ${EVENTS_COLLECTION} does not exist`, 'tidemark up makes it, with pre-images');
  }
  if (!preImages) {
    return fail(
      `collection ${EVENTS_COLLECTION} keeps no pre-images, so that a deleted event does not tell its day`,
      `db.runCommand({ collMod: '${EVENTS_COLLECTION}', changeStreamPreAndPostImages: { enabled: true } })`,
    );
  }
  const count = members === null ? '' : `, ${members.length} of ${members.length} members well`;
  return passed(`replica set ${setName} has primary ${primary}${count}`, evidence);
}

async function read({ mongo, config }: Pick<CheckDeps, 'mongo' | 'config'>): Promise<ReplicaSetFacts> {
  try {
    const admin = mongo.db('admin');
    const hello = await admin.command({ hello: 1 });
    const [collection] = await mongo
      .db(config.mongo.database)
      .listCollections({ name: EVENTS_COLLECTION }, { nameOnly: false })
      .toArray();
    return {
      setName: (hello.setName as string | undefined) ?? null,
      primary: (hello.primary as string | undefined) ?? null,
      members: await membersOf(admin),
      preImages: collection === undefined ? null : keepsPreImages(collection.options ?? {}),
    };
  } catch (cause) {
    throw serviceFault('mongo', 'reading the state of the replica set', cause);
  }
}

function keepsPreImages(options: Document): boolean {
  const setting = options.changeStreamPreAndPostImages as { readonly enabled?: boolean } | undefined;
  return setting?.enabled === true;
}

/** 13: Unauthorized, for who may not monitor; 59: CommandNotFound, of a stand-in. Then `hello` has said what is known. */
const UNTOLD = new Set<unknown>([13, 59]);

async function membersOf(admin: Db): Promise<ReplicaSetFacts['members']> {
  try {
    const { members } = await admin.command({ replSetGetStatus: 1 });
    return (members as Document[]).map(({ name, stateStr }) => ({
      name: String(name),
      state: String(stateStr),
    }));
  } catch (error) {
    if (error instanceof MongoServerError && UNTOLD.has(error.code)) return null;
    throw error;
  }
}
