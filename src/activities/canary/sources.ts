import type { Pool, PoolClient } from 'pg';
import { Long, type MongoClient } from 'mongodb';
import { serviceFault } from '../../clients/fault.js';
import type { CanaryChange } from '../../core/canary.js';
import { CANARY_EVENT_ID, CANARY_USER_ID } from '../../core/ids.js';
import { EVENTS_COLLECTION } from '../../core/names.js';

export interface SourceDeps {
  readonly postgres: Pick<Pool, 'query' | 'connect'>;
  readonly mongo: Pick<MongoClient, 'db'>;
  readonly config: { readonly mongo: { readonly database: string } };
}

/** Any fixed number of our own; not the migrators'. */
const CANARY_LOCK = 7_433_652;

/**
 * One canary at a time: a lock of a PostgreSQL session, which ends with its process. Undefined: another one holds it.
 * @returns what gives the lock back.
 */
export async function lockCanary({ postgres }: SourceDeps): Promise<(() => Promise<void>) | undefined> {
  let client: PoolClient | undefined;
  try {
    client = await postgres.connect();
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [
      CANARY_LOCK,
    ]);
    if (rows[0]?.held === true) {
      const held = client;
      // The session ends, and the lock with it: it must not go back into the pool.
      return () => Promise.resolve(held.release(true));
    }
    client.release();
    return undefined;
  } catch (cause) {
    client?.release(true);
    throw serviceFault('postgres', 'locking the canary', cause);
  }
}

const events = ({ mongo, config }: SourceDeps) =>
  mongo.db(config.mongo.database).collection<{ _id: string }>(EVENTS_COLLECTION);

/** Changes the reserved user; its name tells the change. */
export async function changeUser(
  { postgres }: SourceDeps,
  change: CanaryChange,
  token: string,
): Promise<void> {
  try {
    switch (change) {
      case 'insert':
        await postgres.query("INSERT INTO public.users (user_id, full_name, email) VALUES ($1, $2, '')", [
          CANARY_USER_ID,
          token,
        ]);
        return;
      case 'update':
        await postgres.query(
          'UPDATE public.users SET full_name = $2, updated_at = now() WHERE user_id = $1',
          [CANARY_USER_ID, token],
        );
        return;
      case 'delete':
        await postgres.query('DELETE FROM public.users WHERE user_id = $1', [CANARY_USER_ID]);
    }
  } catch (cause) {
    throw serviceFault('postgres', `changing the canary user (${change})`, cause);
  }
}

/** The same for the reserved event. It lies on the first day there is, where no other events are. */
export async function changeEvent(deps: SourceDeps, change: CanaryChange, token: string): Promise<void> {
  const _id = CANARY_EVENT_ID;
  const fields = { event_type: `canary-${change}`, payload: { token } };
  try {
    switch (change) {
      case 'insert': {
        const event = { _id, user_id: Long.fromString(CANARY_USER_ID), ts: new Date(0), ...fields };
        await events(deps).insertOne(event, { writeConcern: { w: 'majority' } });
        return;
      }
      case 'update':
        await events(deps).updateOne({ _id }, { $set: fields }, { writeConcern: { w: 'majority' } });
        return;
      case 'delete':
        await events(deps).deleteOne({ _id }, { writeConcern: { w: 'majority' } });
    }
  } catch (cause) {
    throw serviceFault('mongo', `changing the canary event (${change})`, cause);
  }
}

/** Removes what a canary has left behind, whichever it was. Whoever calls it holds the lock. */
export async function removeCanary(deps: SourceDeps): Promise<void> {
  await Promise.all([changeUser(deps, 'delete', ''), changeEvent(deps, 'delete', '')]);
}
