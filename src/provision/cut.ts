import type { ClickHouseClient } from '@clickhouse/client';
import type { Pool } from 'pg';
import type { Config } from '../config.js';
import { USERS_GROUP, USERS_TOPIC } from '../core/names.js';
import { epochStart, USERS_LAYOUT } from '../core/source-epoch.js';
import { connectKafka } from '../clients/kafka.js';
import { KafkaConnection } from '../stream/kafka-connection.js';
import { firstDataOffset, freeze, type FrozenPartition } from '../stream/log-positions.js';
import { waitUntil } from '../wait-until.js';

interface Stores {
  readonly postgres: Pool;
  readonly clickhouse: ClickHouseClient;
  readonly config: Config;
}

const ARRIVAL_TIMEOUT_MS = 5 * 60_000;

/**
 * Ends a new snapshot of users, once the connector streams: what is still of an earlier epoch was not in the snapshot,
 * so it is gone at the source. Waits first until the snapshot is in silver, or users would seem deleted for a moment.
 * Idempotent; a crash before the end leaves the cut pending for the next run. Tells whether there was one to make.
 */
export async function completeUsersCut({ postgres, clickhouse, config }: Stores): Promise<boolean> {
  const pending = await postgres.query<{ epoch: number }>(
    "SELECT epoch FROM tidemark.source_epochs WHERE source = 'postgres' AND cut_pending",
  );
  const epoch = pending.rows[0]?.epoch;
  if (epoch === undefined) return false;
  await usersArrived(config);
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
  await postgres.query(
    "UPDATE tidemark.source_epochs SET cut_pending = false WHERE source = 'postgres' AND epoch = $1",
    [epoch],
  );
  return true;
}

/** Waits until the Kafka table has committed all that the topic holds now. */
async function usersArrived(config: Config): Promise<void> {
  const connection = await KafkaConnection.open(config.kafka);
  const admin = connectKafka(config).admin();
  await admin.connect();
  try {
    const { partitions } = await freeze(connection, USERS_TOPIC);
    const consumed = async ({ partition, lastStableOffset }: FrozenPartition) => {
      const [group] = await admin.fetchOffsets({ groupId: USERS_GROUP, topics: [USERS_TOPIC] });
      const committed = Number(group?.partitions.find((each) => each.partition === partition)?.offset ?? -1);
      const startOffset = Math.max(committed, 0);
      if (startOffset >= lastStableOffset) return true;
      // Tombstones and control records never reach the Kafka table, so it does not commit past a last one.
      return (
        (await firstDataOffset(connection, USERS_TOPIC, {
          partition,
          startOffset,
          endOffset: lastStableOffset,
        })) === undefined
      );
    };
    for (const frozen of partitions) {
      await waitUntil(`users of partition ${frozen.partition} to arrive in silver`, () => consumed(frozen), {
        timeoutMs: ARRIVAL_TIMEOUT_MS,
      });
    }
  } finally {
    await admin.disconnect();
    await connection.close();
  }
}
