import type { StateRecord } from './checkpoint-store.js';
import type { RecordBatch } from './record-batch.js';
import type { Output } from './transactional-writer.js';

/** A committed batch of one source partition. Pass the bounds to `batch.records`: only `[startOffset, endOffset)` is ours. */
export interface SourceBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: RecordBatch;
  readonly startOffset: number;
  readonly endOffset: number;
}

/**
 * What a stream job does with records. No I/O, no clock: results go to `output`, time comes in as an argument. Everything
 * a processor remembers is restored from its state records and counts, so that a restart continues as if it never stopped.
 */
export interface Processor {
  /** @returns how many records of the batch were in bounds. */
  process(source: SourceBatch, output: Output): number;
  /** State changed since the last snapshot; it is written in the transaction of the output so far and of what is added now. */
  snapshot(output: Output): StateRecord[];
  /** Cumulative counts, written with every checkpoint. */
  counts(): Record<string, number>;
  /** Called once, before the first batch, also with nothing to restore. */
  restore(state: readonly StateRecord[], counts: Readonly<Record<string, number>>): void;
  /** The input's frozen end is reached. */
  finish(output: Output): void;
  /** After every fetch, also one that brought nothing, and when it is full: results that are due. @returns whether it wrote any. */
  tick?(nowMs: number, positions: ReadonlyMap<number, SourcePosition>, output: Output): boolean;
  /** Whether it holds so much that it should be written now, before the limits are reached: it is memory. */
  isFull?(): boolean;
  /** Asked before every read: the partitions not to read for now. One that is behind must never be among them. */
  paused?(): readonly number[];
}

export interface SourcePosition {
  readonly nextOffset: number;
  /** What the broker last said, -1 before it said anything; a partition whose position equals it is idle. */
  readonly lastStableOffset: number;
}
