import type { KafkaConnection } from '../kafka-connection.js';
import { LogReader } from '../log-reader.js';
import type { Gap, ReadRange } from '../read-positions.js';
import type { RecordCursor } from '../record-batch.js';

export interface ScanDeps {
  /** The cluster of B, and of the checkpoints. */
  readonly kafka: KafkaConnection;
  /** The cluster of A: often the same. */
  readonly source: KafkaConnection;
  /** Told after every read. */
  readonly onRead?: () => void;
  /** Ends the scan with its reason. */
  readonly signal?: AbortSignal;
}

/** Shows every committed record of the ranges, in order per partition; the cursor is reused. @returns what is gone. */
export async function eachRecord(
  kafka: KafkaConnection,
  { onRead, signal }: Pick<ScanDeps, 'onRead' | 'signal'>,
  { topic, topicId }: { readonly topic: string; readonly topicId: string },
  ranges: readonly ReadRange[],
  take: (partition: number, cursor: RecordCursor) => void,
): Promise<Gap[]> {
  const gaps: Gap[] = [];
  const reader = new LogReader(kafka, topic, ranges, { topicId });
  for (let events = await reader.read(); events !== undefined; events = await reader.read()) {
    signal?.throwIfAborted();
    onRead?.();
    for (const event of events) {
      if (event.kind === 'gap') {
        gaps.push(event);
        continue;
      }
      for (const batch of event.batches()) {
        const cursor = batch.records(event.startOffset, event.endOffset);
        while (cursor.next()) take(event.partition, cursor);
      }
    }
  }
  return gaps;
}
