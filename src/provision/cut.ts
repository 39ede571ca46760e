import type { Config } from '../config.js';
import { unreadPartitions } from '../core/barrier.js';
import { EVENTS_GROUP, EVENTS_TOPIC, USERS_GROUP, USERS_TOPIC } from '../core/names.js';
import { epochStart, EVENTS_LAYOUT, USERS_LAYOUT } from '../core/source-epoch.js';
import { connectKafka } from '../clients/kafka.js';
import { committedOffsets, withData } from '../stream/group-lag.js';
import { KafkaConnection } from '../stream/kafka-connection.js';
import { freeze } from '../stream/log-positions.js';
import type { KafkaPositions } from '../messages.js';
import { waitUntil } from '../wait-until.js';
import { eventPasses, type ReadyDeps } from './readiness.js';

const ARRIVAL_TIMEOUT_MS = 5 * 60_000;

/**
 * Ends new snapshots, once the connectors stream: what silver holds of an earlier epoch only was not in the snapshot,
 * so it is gone at the source. Waits first until the snapshot is in silver, or rows would seem deleted for a moment.
 * Idempotent; a crash before the end leaves the cut pending for the next run. Returns what was cut.
 */
export async function completeCuts(deps: ReadyDeps): Promise<('users' | 'events')[]> {
  const { postgres } = deps;
  const pending = await postgres.query<{ source: 'postgres' | 'mongo'; epoch: number }>(
    'SELECT source, epoch FROM tidemark.source_epochs WHERE cut_pending ORDER BY source',
  );
  for (const { source, epoch } of pending.rows) {
    await (source === 'postgres' ? cutUsers(deps, epoch) : cutEvents(deps, epoch));
    await postgres.query(
      'UPDATE tidemark.source_epochs SET cut_pending = false WHERE source = $1 AND epoch = $2',
      [source, epoch],
    );
  }
  return pending.rows.map(({ source }) => (source === 'postgres' ? 'users' : 'events'));
}

/** One row, applied when silver is read: the same means that a TRUNCATE has. */
async function cutUsers({ clickhouse, config }: ReadyDeps, epoch: number): Promise<void> {
  await arrived(config, USERS_TOPIC, USERS_GROUP);
  await clickhouse.insert({
    table: `${config.clickhouse.database}.silver_users_cuts`,
    values: [
      {
        version: epochStart(USERS_LAYOUT, epoch).toString(),
        cut_at: Date.now(),
        reason: 'snapshot',
        partition: -1,
        offset: 0,
      },
    ],
    format: 'JSONEachRow',
  });
}

/** A flagged row for each, at the start of the epoch: above all that was, below all that the snapshot showed. */
async function cutEvents(deps: ReadyDeps, epoch: number): Promise<void> {
  const { clickhouse, config } = deps;
  // The first touch of the canary may have been seen by the snapshot; this one must have been streamed after it.
  await eventPasses(deps);
  await arrived(config, EVENTS_TOPIC, EVENTS_GROUP);
  const silver = `${config.clickhouse.database}.silver_events`;
  const start = epochStart(EVENTS_LAYOUT, epoch).toString();
  await clickhouse.command({
    query: `INSERT INTO ${silver} (day, event_id, user_id, event_type, ts, payload, is_deleted, deleted_at, version, source_time, partition, offset)
            SELECT day, event_id, user_id, event_type, ts, payload, 1, now64(3, 'UTC'), {start: UInt128}, now64(3, 'UTC'), -1, 0
            FROM ${silver} FINAL
            WHERE version < {start: UInt128} AND NOT is_deleted
            SETTINGS do_not_merge_across_partitions_select_final = 1`,
    query_params: { start },
  });
  await tellCutDays(deps, start);
}

/**
 * Rows of a cut are dated when they are made and seen when their INSERT ends: gold of a day that was read in between began
 * after them and does not know them. So the days are told once more, when all are seen. Not those of which gold counts
 * no event. `start`: the version of the cut.
 */
export async function tellCutDays(
  { clickhouse, config }: Pick<ReadyDeps, 'clickhouse' | 'config'>,
  start: string,
): Promise<void> {
  const { database } = config.clickhouse;
  await clickhouse.command({
    query: `INSERT INTO ${database}.silver_event_days (day, partition, last_offset, last_ingested_at)
            SELECT DISTINCT day, -1, 0, now64(3, 'UTC')
            FROM ${database}.silver_events
            WHERE partition = -1 AND version = {start: UInt128}
              AND day IN (SELECT day FROM ${database}.silver_event_days WHERE partition = -1)`,
    query_params: { start },
  });
}

/** Waits until the Kafka table has committed all that the topic holds now. */
export async function arrived(config: Config, topic: string, groupId: string): Promise<void> {
  const connection = await KafkaConnection.open(config.kafka);
  const admin = connectKafka(config).admin();
  await admin.connect();
  try {
    const { partitions } = await freeze(connection, topic);
    const stable = partitions.map(({ partition, lastStableOffset }) => [partition, String(lastStableOffset)]);
    const ends: KafkaPositions = { [topic]: Object.fromEntries(stable) as Record<string, string> };
    const consumed = async (): Promise<boolean> => {
      const committed = { [topic]: await committedOffsets(admin, groupId, topic) };
      return (await withData(connection, unreadPartitions(ends, committed))).length === 0;
    };
    await waitUntil(`what ${topic} holds to arrive in silver`, consumed, { timeoutMs: ARRIVAL_TIMEOUT_MS });
  } finally {
    await admin.disconnect();
    await connection.close();
  }
}
