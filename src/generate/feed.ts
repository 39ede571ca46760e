import { setTimeout as wait } from 'node:timers/promises';
import type { Write } from './writers/segments.js';

export interface FeedOptions {
  /** Operations per second at most; without it as fast as the source takes them. */
  readonly rate?: number | undefined;
  /** Ends the run after the batch that is under way. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch, with all operations written so far. */
  readonly onProgress?: ((written: number) => void) | undefined;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** What the Mongo driver and PostgreSQL both like: large enough to be quick, small enough to stop within a moment. */
const BATCH_OPERATIONS = 1_000;
/** A slow rate is written in small batches, so that it looks like a trickle. */
const BATCHES_PER_SECOND = 10;

/**
 * Writes operations in batches, in order. An operation reaches `applied` only once its batch is in the source, so that
 * what was applied is exact also for a run that was stopped or failed.
 * @returns how many operations were written, and whether the signal ended it.
 */
export async function feed<Operation>(
  operations: Iterable<Operation>,
  write: Write<Operation>,
  applied: (operation: Operation) => void,
  { rate, signal, onProgress, nowMs }: FeedOptions,
): Promise<{ written: number; stopped: boolean }> {
  const size = rate === undefined ? BATCH_OPERATIONS : batchSize(rate);
  const startedMs = nowMs();
  let written = 0;
  for (const batch of batches(operations, size, () => signal?.aborted === true)) {
    await write(batch);
    for (const operation of batch) applied(operation);
    written += batch.length;
    onProgress?.(written);
    if (rate !== undefined) await pause(startedMs + (written / rate) * 1_000 - nowMs(), signal);
  }
  return { written, stopped: signal?.aborted === true };
}

const batchSize = (rate: number): number =>
  Math.min(BATCH_OPERATIONS, Math.max(1, Math.round(rate / BATCHES_PER_SECOND)));

/** Asks for the next operation only once there is room for it: an endless run stamps it with the time it is made. */
function* batches<Operation>(
  operations: Iterable<Operation>,
  size: number,
  isStopped: () => boolean,
): Generator<Operation[]> {
  let batch: Operation[] = [];
  if (isStopped()) return;
  for (const operation of operations) {
    batch.push(operation);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
    if (isStopped()) return;
  }
  if (batch.length > 0) yield batch;
}

/** Ends early when the run is stopped. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms < 1) return;
  await wait(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (signal?.aborted !== true) throw error;
  });
}
