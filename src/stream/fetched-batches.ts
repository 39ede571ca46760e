import { PipelineError } from '../core/errors.js';
import { BATCH_HEADER_BYTES, LOG_OVERHEAD_BYTES, RecordBatch } from './record-batch.js';

/** The record bytes of a Fetch response: its batches, and which of them a reader may see. */

/** One transaction that was aborted: `firstOffset` is the first record the producer wrote in it (Fetch response). */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/**
 * The whole batches of a Fetch response's record bytes, in order. A batch that the byte limit cut off at the end is left
 * out: the next fetch brings it.
 * @throws PipelineError `UNSUPPORTED_BATCH` for message formats before v2 (Kafka 4 stores none).
 */
export function* batchesOf(bytes: Buffer): Generator<RecordBatch> {
  for (let at = 0; at + BATCH_HEADER_BYTES <= bytes.length;) {
    const end = at + LOG_OVERHEAD_BYTES + bytes.readInt32BE(at + 8);
    if (end > bytes.length) return;
    if (end < at + BATCH_HEADER_BYTES || bytes[at + 16] !== 2) {
      throw new PipelineError('UNSUPPORTED_BATCH', 'reading a record batch: not message format v2', {
        at: { offset: String(bytes.readBigInt64BE(at)) },
      });
    }
    yield new RecordBatch(bytes, at, end);
    at = end;
  }
}

/** Size of the largest batch of a Fetch response's record bytes, the one included that the byte limit cut off; 0 where there is none. */
export function largestBatchBytes(bytes: Buffer): number {
  let largest = 0;
  for (let at = 0; at + LOG_OVERHEAD_BYTES <= bytes.length;) {
    const batchBytes = LOG_OVERHEAD_BYTES + Math.max(0, bytes.readInt32BE(at + 8));
    largest = Math.max(largest, batchBytes);
    at += batchBytes;
  }
  return largest;
}

/**
 * The batches a read_committed reader may see: no control batches, none of an aborted transaction. `aborted` is the list of
 * the same Fetch response, which names every aborted transaction that overlaps it, so that one longer than a fetch is
 * recognised in each (KIP-98; Java: CompletedFetch.nextFetchedRecord).
 */
export function* committedBatches(
  batches: Iterable<RecordBatch>,
  aborted: readonly AbortedTransaction[],
): Generator<RecordBatch> {
  const upcoming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<bigint>();
  let seen = 0;
  for (const batch of batches) {
    for (let next = upcoming[seen]; next && next.firstOffset < batch.nextOffset; next = upcoming[++seen]) {
      open.add(next.producerId);
    }
    if (batch.isControl) {
      if (isAbortMarker(batch)) open.delete(batch.producerId);
    } else if (!(batch.isTransactional && open.has(batch.producerId))) {
      yield batch;
    }
  }
}

/** A control record's key is version and type; type 0 ends a transaction by abort, 1 by commit. */
function isAbortMarker(batch: RecordBatch): boolean {
  const cursor = batch.records();
  if (!cursor.next() || cursor.keyLength < 4) return false;
  return cursor.bytes.readInt16BE(cursor.keyStart + 2) === 0;
}
