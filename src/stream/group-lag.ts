import type { Admin } from 'kafkajs';
import type { Unread } from '../core/barrier.js';
import type { KafkaConnection } from './kafka-connection.js';
import { firstDataOffset, freeze } from './log-positions.js';

/** Committed offsets of a group by partition; one in which it never committed is left out. */
export async function committedOffsets(
  admin: Pick<Admin, 'fetchOffsets'>,
  groupId: string,
  topic: string,
): Promise<Record<string, string>> {
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
  // -1: never committed.
  const committed = (answer?.partitions ?? []).filter(({ offset }) => !offset.startsWith('-'));
  return Object.fromEntries(committed.map(({ partition, offset }) => [String(partition), offset]));
}

/**
 * Those of the ranges that hold, or may yet hold, a record for a Kafka-engine table: the engine drops null values and never
 * commits past them, nor past control records.
 */
export async function withData(kafka: KafkaConnection, unread: readonly Unread[]): Promise<Unread[]> {
  const topics = [...new Set(unread.map(({ topic }) => topic))];
  const frozen = new Map(
    await Promise.all(topics.map(async (topic) => [topic, await freeze(kafka, topic)] as const)),
  );
  const found: Unread[] = [];
  for (const range of unread) {
    const now = frozen.get(range.topic)?.partitions.find(({ partition }) => partition === range.partition);
    if (now === undefined || now.lastStableOffset < Number(range.end)) {
      // A transaction below the end is still undecided (or the topic was made anew, smaller): it may come to hold data.
      found.push(range);
      continue;
    }
    const startOffset = Math.max(Number(range.committed), now.logStartOffset);
    const endOffset = Number(range.end);
    if (startOffset >= endOffset) continue;
    const { partition } = range;
    const data = await firstDataOffset(kafka, range.topic, { partition, startOffset, endOffset });
    if (data !== undefined) found.push(range);
  }
  return found;
}
