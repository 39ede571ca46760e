import { serviceFault } from '../../clients/fault.js';
import { PUBLICATION } from '../../core/names.js';
import type { Finding } from '../../core/verification.js';
import { failed, passed, type Check, type CheckDeps } from './check.js';

/** What the PostgreSQL connector needs published: the users, and the table by which the slot moves while they idle. */
const TABLES = ['public.users', 'public.debezium_heartbeat'];
const OPERATIONS = ['insert', 'update', 'delete', 'truncate'] as const;

export interface PublicationFacts {
  /** `logical`, or changes are not decodable at all. */
  readonly walLevel: string;
  /** Null: there is no such publication. */
  readonly operations: Readonly<Record<(typeof OPERATIONS)[number], boolean>> | null;
  /** `schema.table`, all that it publishes. */
  readonly tables: readonly string[];
  /** `pg_class.relreplident` of public.users; null: there is no such table. */
  readonly usersReplicaIdentity: string | null;
}

/** PostgreSQL publishes what the connector reads, with whole old rows. */
export const publication: Check = {
  name: 'publication',
  hop: 'postgres',
  stage: 'hops',
  run: async (deps) => judgePublication(await read(deps)),
};

export function judgePublication(facts: PublicationFacts): Finding {
  const { walLevel, operations, tables, usersReplicaIdentity } = facts;
  const evidence = { publication: PUBLICATION, walLevel, operations, tables, usersReplicaIdentity };
  const fail = (summary: string, next: string): Finding => failed(summary, evidence, next);
  if (walLevel !== 'logical') {
    return fail(`wal_level is ${walLevel}`, 'set wal_level = logical and restart PostgreSQL');
  }
  if (operations === null) {
    return fail(`publication ${PUBLICATION} does not exist`, 'make it: sql/postgres/0001_commerce.sql');
  }
  const missing = TABLES.filter((table) => !tables.includes(table));
  if (missing.length > 0) {
    return fail(
      `publication ${PUBLICATION} lacks ${missing.join(', ')}`,
      `ALTER PUBLICATION ${PUBLICATION} ADD TABLE ${missing.join(', ')}; then tidemark verify --repair=plan for what was missed`,
    );
  }
  const unpublished = OPERATIONS.filter((operation) => !operations[operation]);
  if (unpublished.length > 0) {
    return fail(
      `publication ${PUBLICATION} leaves out every ${unpublished.join(', ')}`,
      `ALTER PUBLICATION ${PUBLICATION} SET (publish = '${OPERATIONS.join(', ')}')`,
    );
  }
  if (usersReplicaIdentity !== 'f') {
    return fail(
      'public.users does not log whole old rows (REPLICA IDENTITY FULL)',
      'ALTER TABLE public.users REPLICA IDENTITY FULL',
    );
  }
  return passed(`publication ${PUBLICATION} has ${TABLES.join(' and ')}`, evidence);
}

async function read({ postgres }: Pick<CheckDeps, 'postgres'>): Promise<PublicationFacts> {
  try {
    const answer = await postgres.query<PublicationFacts>(
      `SELECT current_setting('wal_level') AS "walLevel",
              (SELECT jsonb_build_object('insert', pubinsert, 'update', pubupdate, 'delete', pubdelete, 'truncate', pubtruncate)
               FROM pg_publication WHERE pubname = $1) AS operations,
              ARRAY(SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1) AS tables,
              (SELECT relreplident::text FROM pg_class WHERE oid = to_regclass('public.users')) AS "usersReplicaIdentity"`,
      [PUBLICATION],
    );
    return answer.rows[0]!;
  } catch (cause) {
    throw serviceFault('postgres', `reading publication ${PUBLICATION}`, cause);
  }
}
