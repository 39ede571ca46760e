import { deadLetterHeaders, type DeadLetterStage } from '../../core/dead-letter.js';
import type { CountRules } from '../../core/count-rules.js';
import { UniquesSlice, type FrameClock, type RejectedFrame } from '../../core/uniques-slice.js';
import type { RejectReason } from '../../core/uniques-tally.js';
import { partitionsToPause } from '../../core/watermark.js';
import { asBuffer, asStateRecords } from '../as-buffer.js';
import type { StateRecord } from '../checkpoint-store.js';
import type { Processor, SourceBatch, SourcePosition } from '../processor.js';
import { BATCH_HEADER_BYTES } from '../record-batch.js';
import type { Output } from '../transactional-writer.js';

export interface UniquesOptions {
  readonly job: string;
  readonly source: { readonly topic: string; readonly topicId: string };
  /** The source partitions this slice reads, each with its end when the job is bounded. */
  readonly partitions: readonly { readonly partition: number; readonly endOffset?: number }[];
  readonly rules: CountRules;
  /** Where the merge stage reads what this slice has counted. */
  readonly partials: { readonly topic: string; readonly partition: number };
  readonly quarantine: { readonly topic: string; readonly partitions: number };
  /** A partition that brought nothing that counts for so long, and is read to its end, holds nobody back. Bounded jobs have no use for it. */
  readonly idleMs: number;
  /** Seconds of event time: a partition further ahead of the slowest is not read for now. */
  readonly maxSkewS: number;
  readonly now: () => number;
}

/** Which job a record is of: two jobs that count the same windows have the same keys. */
export const JOB_HEADER = 'tidemark.job';
/** Headers of a quarantined frame, besides those of any dead letter: where it came from, as `topic/partition/offset`. */
export const REASON_HEADER = 'tidemark.reason';
export const ORIGIN_HEADER = 'tidemark.origin';
const STAGES: Readonly<Record<RejectReason, DeadLetterStage>> = {
  malformed: 'parse',
  'no-ts': 'validate',
  'no-id': 'validate',
  impossible: 'validate',
  'too-late': 'late',
  unconfirmed: 'late',
};

/** Windows opened between two commits, some kilobytes each with what is written of them. */
export const MOST_NEW_WINDOWS = 2_048;

/** What a partition has brought lately; times in ms of the clock given. */
interface Heard {
  broughtMs: number;
  countedMs: number;
  /** How many of its frames had been counted then. */
  counted: number;
}

/**
 * First stage of counting unique users on the stream engine: frames in, the state of every window they touch out, to the
 * checkpoint and, without deletions, to the merge stage. Both are cumulative, so reading one again changes nothing.
 */
export class UniquesProcessor implements Processor {
  readonly #options: UniquesOptions;
  #slice: UniquesSlice;
  readonly #ends: ReadonlyMap<number, number | undefined>;
  readonly #heard = new Map<number, Heard>();
  /** Not read in this turn. */
  #paused: readonly number[] = [];
  /** Windows that were open at the last snapshot. */
  #kept = 0;
  #output: Output | undefined;

  constructor(options: UniquesOptions) {
    this.#options = options;
    this.#ends = new Map(options.partitions.map(({ partition, endOffset }) => [partition, endOffset]));
    const nowMs = options.now();
    for (const partition of this.#ends.keys()) {
      this.#heard.set(partition, { broughtMs: nowMs, countedMs: nowMs, counted: 0 });
    }
    this.#slice = new UniquesSlice([...this.#ends.keys()], options.rules, (frame) => this.#quarantine(frame));
  }

  restore(state: readonly StateRecord[]): void {
    const wereIdle = this.#slice.restore(state);
    this.#kept = this.#slice.openWindows;
    for (const [partition, { counted }] of this.#slice.clocks) this.#heard.get(partition)!.counted = counted;
    // Such a one has been silent for long enough, should there be nothing more of it.
    for (const partition of wereIdle) this.#heard.get(partition)!.countedMs = Number.NEGATIVE_INFINITY;
  }

  process({ partition, batch, startOffset, endOffset }: SourceBatch, output: Output): number {
    this.#output = output;
    this.#heard.get(partition)!.broughtMs = this.#options.now();
    const slice = this.#slice;
    let records = 0;
    if (batch.isPlain(startOffset, endOffset)) {
      const all = { offset: batch.baseOffset, count: batch.recordCount };
      records = slice.records(partition, all, batch.bytes, batch.start + BATCH_HEADER_BYTES, batch.end);
      if (records === all.count) return records;
    }
    const cursor = batch.records(Math.max(startOffset, batch.baseOffset + records), endOffset);
    while (cursor.next()) {
      records++;
      // A tombstone is an empty frame: malformed, and counted as such.
      const end = cursor.valueStart + Math.max(cursor.valueLength, 0);
      slice.frame(partition, cursor.offset, cursor.bytes, cursor.valueStart, end);
    }
    return records;
  }

  /** Partitions read to their end, for good or for now, hold nobody back. */
  tick(nowMs: number, positions: ReadonlyMap<number, SourcePosition>, output: Output): boolean {
    this.#output = output;
    let changed = false;
    const clocks = this.#slice.clocks;
    for (const [partition, { nextOffset, lastStableOffset }] of positions) {
      const clock = clocks.get(partition)!;
      const endOffset = this.#ends.get(partition);
      if (endOffset === undefined) {
        if (this.#isRested(partition, clock, nowMs, nextOffset === lastStableOffset)) changed = true;
      } else if (clock.reading !== 'ended' && nextOffset >= endOffset) {
        this.#slice.end(partition);
        changed = true;
      }
    }
    return changed;
  }

  /**
   * Takes note of a partition's silence. Two of them: when nothing that counts has come for a while nobody waits for it, and
   * when nothing at all has come, what it holds is given up; frames that come slowly may still confirm each other.
   */
  #isRested(partition: number, clock: FrameClock, nowMs: number, isReadToItsEnd: boolean): boolean {
    const heard = this.#heard.get(partition)!;
    const isPaused = this.#paused.includes(partition);
    if (isPaused || clock.counted !== heard.counted) heard.countedMs = nowMs;
    if (isPaused) heard.broughtMs = nowMs;
    heard.counted = clock.counted;
    if (!isReadToItsEnd) return false;
    const { idleMs } = this.#options;
    const isIdle = clock.reading === 'reading' && nowMs - heard.countedMs >= idleMs;
    const isGivenUp = clock.isHolding && nowMs - heard.broughtMs >= idleMs;
    if (isIdle) this.#slice.idle(partition);
    if (isGivenUp) this.#slice.giveUp(partition);
    return isIdle || isGivenUp;
  }

  /** Sparse frames open a window every few. */
  isFull(): boolean {
    return this.#slice.openWindows - this.#kept >= MOST_NEW_WINDOWS;
  }

  paused(): readonly number[] {
    this.#paused = partitionsToPause(this.#slice.clocks, this.#options.maxSkewS);
    return this.#paused;
  }

  snapshot(output: Output): StateRecord[] {
    const { topic, partition } = this.#options.partials;
    const timestampMs = this.#options.now();
    const { reports, state } = this.#slice.snapshot();
    this.#kept = this.#slice.openWindows;
    for (const { key, value } of asStateRecords(reports))
      output.write(topic, partition, { timestampMs, key: Buffer.from(key), value });
    return asStateRecords(state);
  }

  counts(): Record<string, number> {
    return { ...this.#slice.tally };
  }

  finish(output: Output): void {
    this.#output = output;
    for (const [partition, { reading }] of this.#slice.clocks) {
      if (reading !== 'ended') this.#slice.end(partition);
    }
  }

  #quarantine({ partition, offset, reason, bytes }: RejectedFrame): void {
    const { job, source, quarantine, now } = this.#options;
    const origin = { name: ORIGIN_HEADER, value: Buffer.from(`${source.topic}/${partition}/${offset}`) };
    // A frame is its value: neither its key nor its record's time was kept while it waited.
    const letter = {
      ...{ stage: STAGES[reason], reason, reasons: [reason], job, attempt: 0, failedAtMs: -1 },
      source: { ...source, partition, offset, timestampMs: -1 },
    };
    this.#output!.write(quarantine.topic, partition % quarantine.partitions, {
      timestampMs: now(),
      key: null,
      value: asBuffer(bytes),
      headers: deadLetterHeaders(letter, [origin]),
    });
  }
}
