import type { ClickHouseClient } from '@clickhouse/client';
import type { MongoClient } from 'mongodb';
import type { Pool } from 'pg';
import type { ConnectClient } from '../clients/connect.js';
import type { Config } from '../config.js';
import { PipelineError } from '../core/errors.js';
import { CANARY_EVENT_PREFIX } from '../core/ids.js';
import { EVENTS_COLLECTION, MONGO_CONNECTOR, POSTGRES_CONNECTOR } from '../core/names.js';
import { waitUntil } from '../wait-until.js';

export interface ReadyDeps {
  readonly connect: ConnectClient;
  readonly postgres: Pool;
  readonly clickhouse: ClickHouseClient;
  readonly mongo: MongoClient;
  readonly config: Config;
}

/** A first start takes a snapshot of the whole table before it streams. */
const READY_TIMEOUT_MS = 5 * 60_000;

/**
 * Waits until a record of each source went through its connector. Connect's word is not enough: after a crash its
 * status still says RUNNING from before.
 * @throws PipelineError `CONNECTOR_FAILED` with the task's first line when a task fails, `WAITED_TOO_LONG`.
 */
export async function connectorsReady(pipeline: ReadyDeps): Promise<void> {
  await Promise.all([usersFlow(pipeline), eventPasses(pipeline)]);
}

/** The heartbeat table is in the publication: its update must move the connector's committed offset past itself. */
async function usersFlow({ connect, postgres }: ReadyDeps): Promise<void> {
  await postgres.query('UPDATE public.debezium_heartbeat SET ts = now() WHERE id = 1');
  const position = await postgres.query<{ lsn: string }>(
    "SELECT (pg_current_wal_lsn() - '0/0')::text AS lsn",
  );
  const target = BigInt(position.rows[0]?.lsn ?? 0);
  await waitUntil(
    `connector ${POSTGRES_CONNECTOR} to pass the source's position`,
    async () => {
      await tasksHealthy(connect, POSTGRES_CONNECTOR);
      const offset = await connect.sourceOffset(POSTGRES_CONNECTOR);
      const lsn = offset?.lsn;
      return (typeof lsn === 'number' || typeof lsn === 'string') && BigInt(lsn) >= target;
    },
    { timeoutMs: READY_TIMEOUT_MS, everyMs: 250 },
  );
}

/** A reserved event, touched anew, must arrive in silver. */
export async function eventPasses({ connect, mongo, clickhouse, config }: ReadyDeps): Promise<void> {
  const id = `${CANARY_EVENT_PREFIX}ready`;
  const events = mongo.db(config.mongo.database).collection<{ _id: string }>(EVENTS_COLLECTION);
  const touchedAt = new Date();
  await events.updateOne(
    { _id: id },
    { $set: { event_type: 'canary', user_id: null, ts: touchedAt, payload: {} } },
    { upsert: true },
  );
  await waitUntil(
    `connector ${MONGO_CONNECTOR} to deliver an event to ClickHouse`,
    async () => {
      await tasksHealthy(connect, MONGO_CONNECTOR);
      const answer = await clickhouse.query({
        query: `SELECT count() > 0 AS arrived FROM ${config.clickhouse.database}.silver_events
                WHERE day = toDate(fromUnixTimestamp64Milli({ms: Int64}), 'UTC') AND event_id = {id: String}
                  AND ts >= fromUnixTimestamp64Milli({ms: Int64})`,
        query_params: { id: JSON.stringify(id), ms: touchedAt.getTime() },
        format: 'JSONEachRow',
      });
      const [row] = await answer.json<{ arrived: number }>();
      return row?.arrived === 1;
    },
    { timeoutMs: READY_TIMEOUT_MS, everyMs: 250 },
  );
}

async function tasksHealthy(connect: ConnectClient, name: string): Promise<void> {
  const status = await connect.status(name);
  const failed = status?.tasks.find((task) => task.state === 'FAILED');
  if (failed === undefined) return;
  throw new PipelineError(
    'CONNECTOR_FAILED',
    `starting connector ${name}: ${failed.trace?.split('\n')[0] ?? 'task failed'}`,
    {
      at: { service: 'connect' },
    },
  );
}
