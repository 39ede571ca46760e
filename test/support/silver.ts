import type { ClickHouseClient } from '@clickhouse/client';
import type { Db } from 'mongodb';
import type { Pool } from 'pg';
import { compareRows, type ComparisonResult, type Row } from '../../src/generate/compare.js';
import { CANARY_EVENT_PREFIX } from '../../src/core/ids.js';
import { waitUntil } from '../../src/wait-until.js';
import type { EventDocument } from './source-writer.js';

export interface Stores {
  readonly postgres: Pool;
  readonly db: Db;
  readonly clickhouse: ClickHouseClient;
}

export async function select<T = Row>(clickhouse: ClickHouseClient, query: string): Promise<T[]> {
  const answer = await clickhouse.query({ query, format: 'JSONEachRow' });
  return answer.json<T>();
}

/** `public.users` against the view of live users, row by row, to the microsecond. */
export async function compareUsers({ postgres, clickhouse }: Stores): Promise<ComparisonResult> {
  const micros = (column: string) => `(extract(epoch FROM ${column}) * 1000000)::bigint::text`;
  const source = await postgres.query<Row>(
    `SELECT user_id::text, full_name, email, ${micros('created_at')} AS created_at, ${micros('updated_at')} AS updated_at FROM users`,
  );
  const silver = await select(
    clickhouse,
    `SELECT toString(user_id) AS user_id, full_name, email,
            toString(toUnixTimestamp64Micro(assumeNotNull(created_at))) AS created_at,
            toString(toUnixTimestamp64Micro(assumeNotNull(updated_at))) AS updated_at
     FROM users`,
  );
  return compareRows(source.rows, silver, 'user_id');
}

/** The collection against the view of live events, document by document. */
export async function compareEvents({ db, clickhouse }: Stores): Promise<ComparisonResult> {
  const documents = await db
    .collection<EventDocument>('events')
    .find({ _id: { $not: { $regex: `^${CANARY_EVENT_PREFIX}` } } }, { promoteLongs: false })
    .toArray();
  const source = documents.map((document) => ({
    event_id: JSON.stringify(String(document._id)),
    day: document.ts.toISOString().slice(0, 10),
    user_id: document.user_id.toString(),
    event_type: String(document.event_type),
    ts: String(document.ts.getTime()),
    payload: JSON.parse(JSON.stringify(document.payload)) as unknown,
  }));
  const silver = await select<Row & { payload: string }>(
    clickhouse,
    `SELECT event_id, toString(day) AS day, toString(user_id) AS user_id, event_type,
            toString(toUnixTimestamp64Milli(ts)) AS ts, payload FROM events`,
  );
  return compareRows(
    source,
    silver.map((row) => ({ ...row, payload: JSON.parse(row.payload) as unknown })),
    'event_id',
  );
}

/**
 * Waits until silver equals the sources, which must be at rest; a silver that never does fails with what differs.
 */
export async function silverBecomesRight(stores: Stores, timeoutMs = 90_000): Promise<void> {
  let last: unknown;
  await waitUntil(
    'silver to equal the sources',
    async () => {
      const [users, events] = await Promise.all([compareUsers(stores), compareEvents(stores)]);
      last = { users, events };
      return users.equal && events.equal;
    },
    { timeoutMs, everyMs: 250 },
  ).catch((error: unknown) => {
    throw new Error(`silver differs from the sources: ${JSON.stringify(last)}`, { cause: error });
  });
}
