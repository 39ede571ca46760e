import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectClient } from '../../clients/connect.js';
import type { HopNames } from '../../core/canary.js';
import type { KafkaConnection } from '../../stream/kafka-connection.js';
import { freeze } from '../../stream/log-positions.js';
import { judgeConnectors } from '../checks/connectors.js';

/** A transaction that is open for longer than this, ms, is not just being written: connectors commit every poll. */
const OPEN_MS = 1_000;

export interface WhyDeps {
  readonly connect: Pick<ConnectClient, 'status'>;
  readonly kafka: KafkaConnection;
}

/** What keeps changes out of a topic, where that can be told: a connector that does not run, or a hanging transaction (KIP-664). */
export async function whyNotInTopic(
  { connect, kafka }: WhyDeps,
  { connector, topic }: Pick<HopNames, 'connector' | 'topic'>,
  signal: AbortSignal,
): Promise<string | null> {
  const { verdict, summary } = await connect.status(connector).then(
    (status) => judgeConnectors([[connector, status]]),
    // The hop is broken: that nobody answers for it is the reason, and no fault of the check.
    (error: unknown) => ({
      verdict: 'Failed',
      summary: error instanceof Error ? error.message : String(error),
    }),
  );
  if (verdict !== 'Passed') return summary;
  const before = await stableOffsets(kafka, topic);
  await pause(OPEN_MS, undefined, { signal });
  const open = (await freeze(kafka, topic)).partitions.find(
    ({ partition, lastStableOffset, highWatermark }) =>
      lastStableOffset < highWatermark && lastStableOffset === before.get(partition),
  );
  if (open === undefined) return null;
  const { partition, lastStableOffset } = open;
  return `a transaction stays open at offset ${lastStableOffset} of ${topic}-${partition}: nothing behind it is read`;
}

async function stableOffsets(kafka: KafkaConnection, topic: string): Promise<Map<number, number>> {
  const { partitions } = await freeze(kafka, topic);
  return new Map(partitions.map(({ partition, lastStableOffset }) => [partition, lastStableOffset]));
}
