import type { KafkaConnection } from './kafka-connection.js';
import { listOffsets } from './list-offsets.js';
import { LogReader } from './log-reader.js';
import { EARLIEST, LATEST, READ_COMMITTED, READ_UNCOMMITTED, type ListedOffset } from './requests.js';

export interface FrozenPartition {
  readonly partition: number;
  /** The first offset still kept. */
  readonly logStartOffset: number;
  /** Every transaction below is decided: a read_committed reader gets no further. */
  readonly lastStableOffset: number;
  /** Everything below is replicated; `[lastStableOffset, highWatermark)` belongs to open transactions. */
  readonly highWatermark: number;
}

export interface FrozenTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly FrozenPartition[];
}

/**
 * The ends of every partition of a topic at one moment: each of the three is read once and never asked again.
 * The last stable offset is read before the high watermark, so it is never the larger one.
 */
export async function freeze(connection: KafkaConnection, topic: string): Promise<FrozenTopic> {
  const { topicId, partitions } = await connection.whileMoving((fresh) => connection.topic(topic, fresh));
  const all = partitions.map(({ partition }) => partition);
  const start = await listOffsets(connection, topic, all, EARLIEST, READ_UNCOMMITTED);
  const stable = await listOffsets(connection, topic, all, LATEST, READ_COMMITTED);
  const high = await listOffsets(connection, topic, all, LATEST, READ_UNCOMMITTED);
  return {
    topic,
    topicId,
    partitions: all.map((partition) => ({
      partition,
      logStartOffset: offsetOf(start, partition),
      lastStableOffset: offsetOf(stable, partition),
      highWatermark: offsetOf(high, partition),
    })),
  };
}

/** First offset of each partition whose record has `timestampMs` or a later one; undefined where there is none. */
export async function offsetsAtTime(
  connection: KafkaConnection,
  topic: string,
  timestampMs: number,
): Promise<Map<number, number | undefined>> {
  const { partitions } = await connection.topic(topic);
  const all = partitions.map(({ partition }) => partition);
  const found = await listOffsets(connection, topic, all, timestampMs, READ_COMMITTED);
  return new Map([...found].map(([partition, { offset }]) => [partition, offset < 0 ? undefined : offset]));
}

/**
 * The first offset of `[startOffset, endOffset)` that holds a committed record with a value; undefined when the range holds
 * nothing but tombstones, control records, aborted records and holes. `endOffset` must not exceed the last stable offset.
 */
export async function firstDataOffset(
  connection: KafkaConnection,
  topic: string,
  range: { partition: number; startOffset: number; endOffset: number },
): Promise<number | undefined> {
  const reader = new LogReader(connection, topic, [range]);
  for (let events = await reader.read(); events !== undefined; events = await reader.read()) {
    for (const event of events) {
      if (event.kind === 'gap') continue;
      for (const batch of event.batches()) {
        const cursor = batch.records(event.startOffset, event.endOffset);
        while (cursor.next()) if (!cursor.isTombstone) return cursor.offset;
      }
    }
  }
  return undefined;
}

const offsetOf = (listed: ReadonlyMap<number, ListedOffset>, partition: number): number =>
  listed.get(partition)?.offset ?? 0;
