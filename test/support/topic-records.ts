import type { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { freeze } from '../../src/stream/log-positions.js';
import type { RecordCursor } from '../../src/stream/record-batch.js';
import { eachRecord } from '../../src/stream/replay/scan.js';
import { waitUntil } from '../../src/wait-until.js';

/** Shows every record of a topic, read_committed, by our own reader; waits for the marker of a commit just answered. */
export async function eachOfTopic(
  kafka: KafkaConnection,
  topic: string,
  visit: (cursor: RecordCursor, partition: number) => void,
): Promise<void> {
  const frozen = await freeze(kafka, topic);
  const ranges = frozen.partitions.map(({ partition, logStartOffset, highWatermark }) => ({
    partition,
    startOffset: logStartOffset,
    endOffset: highWatermark,
  }));
  const gaps = await eachRecord(kafka, {}, frozen, ranges, (partition, cursor) => visit(cursor, partition));
  if (gaps.length > 0) throw new Error(`${topic} has lost records`);
}

/** Whether no transaction of a topic is undecided: the marker of a commit is written after it was answered. */
export async function isDecided(kafka: KafkaConnection, topic: string): Promise<boolean> {
  const { partitions } = await freeze(kafka, topic);
  return partitions.every(({ lastStableOffset, highWatermark }) => lastStableOffset === highWatermark);
}

/** Waits until every transaction of a topic is decided, for who reads it up to its last stable offset. */
export async function decided(kafka: KafkaConnection, topic: string): Promise<void> {
  await waitUntil(`the markers of ${topic}`, () => isDecided(kafka, topic), {
    timeoutMs: 20_000,
    everyMs: 20,
  });
}
