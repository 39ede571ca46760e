import { setTimeout as delay } from 'node:timers/promises';
import { PipelineError } from '../core/errors.js';
import type { Checkpoint } from './checkpoint-schema.js';
import { checkpointRecord, restore, stateRecord, type CheckpointPlace } from './checkpoint-store.js';
import type { KafkaConnection } from './kafka-connection.js';
import { LogReader, type ReadEvent } from './log-reader.js';
import type { Gap, ReadRange } from './read-positions.js';
import type { Processor, SourcePosition } from './processor.js';
import { MAX_BATCH_BYTES, TransactionalWriter } from './transactional-writer.js';

export interface Slice {
  readonly transactionalId: string;
  readonly place: CheckpointPlace;
  readonly source: {
    readonly topic: string;
    readonly topicId: string;
    readonly ranges: readonly ReadRange[];
  };
  /** Gaps are recorded either way; unless allowed the first one ends the slice with an error. */
  readonly allowGaps: boolean;
  /** Reads its ranges from their beginning in every lap: what was done before is in the processor's state alone. */
  readonly isReread?: boolean;
  /** What the output topics take at most; batches stay below. */
  readonly maxBatchBytes?: number;
}

export interface LapLimits {
  /** A transaction is committed after this many source records, bytes of output or milliseconds, whichever comes first. */
  readonly commitRecords: number;
  readonly commitBytes: number;
  readonly commitMs: number;
  /** The lap ends at the first commit after this time. */
  readonly lapMs: number;
  readonly recordsPerSecond?: number;
  readonly bytesPerSecond?: number;
}

export const DEFAULT_LIMITS: LapLimits = {
  commitRecords: 20_000,
  commitBytes: 16 * 1024 * 1024,
  commitMs: 1_000,
  lapMs: 600_000,
};

/** How long a source topic's identity is trusted between two commits. */
const VERIFY_TOPIC_EVERY_MS = 1_000;

export interface SliceProgress {
  readonly checkpoint: Checkpoint;
  /** Since this lap began. */
  readonly lap: { readonly records: number; readonly transactions: number; readonly elapsedMs: number };
}

export interface SliceDeps {
  /** The cluster that is read. */
  readonly source: KafkaConnection;
  /** The cluster that is written: output and checkpoint share a transaction, which cannot span clusters. */
  readonly target: KafkaConnection;
  readonly processor: Processor;
  readonly now: () => number;
  /** For eyes only: the truth is the checkpoint. */
  readonly report: (progress: SliceProgress) => void;
  readonly signal: AbortSignal;
}

export interface LapResult {
  readonly outcome: 'finished' | 'lap' | 'cancelled';
  readonly checkpoint: Checkpoint;
  readonly lap: SliceProgress['lap'];
}

/**
 * One lap of a slice, and the only recovery path: a fresh start, a retry after a crash, a resume and a redeploy all run it.
 * Take over the transactional id, restore the newest checkpoint, read on from there, and commit output, checkpoint and
 * state together. Ends at the input's frozen end, after `lapMs`, or when the signal aborts; never inside a transaction.
 * @throws PipelineError `FENCED`, `GAP`, `TOPIC_RECREATED` or what the brokers said. Whatever it is, a new lap is exact.
 */
export async function runSlice(slice: Slice, limits: LapLimits, deps: SliceDeps): Promise<LapResult> {
  const writer = await TransactionalWriter.open(deps.target, {
    transactionalId: slice.transactionalId,
    maxBatchBytes: Math.min(slice.maxBatchBytes ?? MAX_BATCH_BYTES, MAX_BATCH_BYTES),
  });
  const { state, ...restored } = await restore(deps.target, slice.place);
  const checkpoint = slice.isReread ? undefined : restored.checkpoint;
  if (checkpoint?.finished) {
    return {
      outcome: 'finished',
      checkpoint,
      lap: { records: 0, transactions: 0, elapsedMs: 0 },
    };
  }
  deps.processor.restore(state, checkpoint?.counts ?? {});
  return new Lap(slice, limits, deps, writer, checkpoint).run();
}

class Lap {
  readonly #slice: Slice;
  readonly #limits: LapLimits;
  readonly #deps: SliceDeps;
  readonly #writer: TransactionalWriter;
  readonly #reader: LogReader;
  readonly #startedAt = performance.now();
  readonly #positions = new Map<number, SourcePosition>();
  readonly #gaps: Checkpoint['gaps'];
  #checkpoint: Checkpoint;
  #verifiedAt = 0;
  #commitAt = performance.now();
  readonly #commitRecords: number;
  /** Since the last commit. */
  #pending = { records: 0, changed: false };
  #records = 0;
  #transactions = 0;
  /** Rate limits: the instant at which the next record may be read. */
  #paceAt = performance.now();

  constructor(
    slice: Slice,
    limits: LapLimits,
    deps: SliceDeps,
    writer: TransactionalWriter,
    checkpoint: Checkpoint | undefined,
  ) {
    this.#slice = slice;
    this.#limits = limits;
    this.#deps = deps;
    this.#writer = writer;
    // With a rate limit a transaction holds at most a second's worth, so that the pace is even.
    this.#commitRecords = Math.max(1, Math.min(limits.commitRecords, limits.recordsPerSecond ?? Infinity));
    this.#gaps = [...(checkpoint?.gaps ?? [])];
    const ranges = slice.source.ranges.map((range) => {
      const next = checkpoint?.next[String(range.partition)];
      return { ...range, startOffset: next === undefined ? range.startOffset : Number(next) };
    });
    for (const { partition, startOffset } of ranges) {
      this.#positions.set(partition, { nextOffset: startOffset, lastStableOffset: -1 });
    }
    this.#checkpoint = checkpoint ?? this.#newCheckpoint(false);
    const { topic, topicId } = slice.source;
    this.#reader = new LogReader(deps.source, topic, ranges, { topicId });
  }

  async run(): Promise<LapResult> {
    for (;;) {
      if (this.#deps.signal.aborted) return this.#result('cancelled');
      this.#reader.pause(this.#deps.processor.paused?.() ?? []);
      const events = await this.#reader.read();
      if (events === undefined) return this.#finish();
      for (const event of events) await this.#take(event);
      // Before the brokers are waited for, and not between the partitions of what they have sent.
      if (!this.#reader.hasMore) this.#tick();
      if (this.#isDue()) await this.#commit(false);
      if (performance.now() - this.#startedAt >= this.#limits.lapMs) {
        await this.#commit(false);
        return this.#result('lap');
      }
    }
  }

  async #take(event: ReadEvent): Promise<void> {
    if (event.kind === 'gap') {
      this.#takeGap(event);
      return;
    }
    const { topic } = this.#slice.source;
    const { partition, startOffset, endOffset, lastStableOffset } = event;
    for (const batch of event.batches()) {
      const records = this.#deps.processor.process(
        { topic, partition, batch, startOffset, endOffset },
        this.#writer,
      );
      this.#pending.records += records;
      this.#moveTo(partition, Math.min(batch.nextOffset, endOffset), lastStableOffset);
      if (this.#isDue()) {
        await this.#commit(false);
        // The rest of the event is read again by the next lap: positions move with what was processed.
        if (this.#deps.signal.aborted) return;
      }
    }
    this.#moveTo(partition, event.nextOffset, lastStableOffset);
  }

  #takeGap(gap: Gap): void {
    const { partition, startOffset, endOffset, reason } = gap;
    if (!this.#slice.allowGaps) {
      throw new PipelineError(
        'GAP',
        `reading ${this.#slice.source.topic}-${partition}: offsets [${startOffset}, ${endOffset}) are gone (${reason})`,
        { at: { topic: this.#slice.source.topic, partition, offset: String(startOffset) } },
      );
    }
    this.#gaps.push({ partition, startOffset: String(startOffset), endOffset: String(endOffset), reason });
    this.#moveTo(partition, endOffset, -1);
  }

  #moveTo(partition: number, nextOffset: number, lastStableOffset: number): void {
    this.#pending.changed ||= this.#positions.get(partition)?.nextOffset !== nextOffset;
    this.#positions.set(partition, { nextOffset, lastStableOffset });
  }

  #tick(): void {
    const { processor, now } = this.#deps;
    if (processor.tick === undefined) return;
    for (const [partition, { nextOffset }] of this.#positions) {
      const lastStableOffset = this.#reader.lastStableOffset(partition);
      this.#positions.set(partition, { nextOffset, lastStableOffset });
    }
    if (processor.tick(now(), this.#positions, this.#writer)) this.#pending.changed = true;
  }

  #isDue(): boolean {
    if (!this.#pending.changed) return false;
    const { commitBytes, commitMs } = this.#limits;
    return (
      this.#deps.processor.isFull?.() === true ||
      this.#pending.records >= this.#commitRecords ||
      this.#writer.pendingBytes >= commitBytes ||
      performance.now() - this.#commitAt >= commitMs
    );
  }

  async #commit(finished: boolean): Promise<void> {
    if (!this.#pending.changed && !finished) return;
    // What is given out need not be kept.
    if (!finished && this.#deps.processor.isFull?.()) this.#tick();
    await this.#verifyTopic(finished);
    const { place } = this.#slice;
    const nowMs = this.#deps.now();
    const bytes = this.#writer.pendingBytes;
    for (const state of this.#deps.processor.snapshot(this.#writer)) {
      this.#writer.write(place.topic, place.partition, stateRecord(place, state, nowMs));
    }
    const checkpoint = this.#newCheckpoint(finished);
    this.#writer.write(place.topic, place.partition, checkpointRecord(place, checkpoint, nowMs));
    await this.#writer.commit();
    this.#checkpoint = checkpoint;
    this.#transactions++;
    this.#records += this.#pending.records;
    await this.#pace(this.#pending.records, bytes);
    this.#pending = { records: 0, changed: false };
    this.#commitAt = performance.now();
    this.#deps.report({ checkpoint, lap: this.#lapSoFar() });
  }

  /** A topic deleted and created again has other records under the same offsets: asked before what was read is committed. */
  async #verifyTopic(now: boolean): Promise<void> {
    if (!now && performance.now() - this.#verifiedAt < VERIFY_TOPIC_EVERY_MS) return;
    await this.#reader.verifyTopic();
    this.#verifiedAt = performance.now();
  }

  /** Waits, outside any transaction, until the rates allow the next record. */
  async #pace(records: number, bytes: number): Promise<void> {
    const { recordsPerSecond = Infinity, bytesPerSecond = Infinity } = this.#limits;
    const spentMs = 1_000 * Math.max(records / recordsPerSecond, bytes / bytesPerSecond);
    this.#paceAt = Math.max(this.#paceAt, this.#commitAt) + spentMs;
    const waitMs = this.#paceAt - performance.now();
    if (waitMs <= 0) return;
    await delay(waitMs, undefined, { signal: this.#deps.signal }).catch((error: unknown) => {
      if (!this.#deps.signal.aborted) throw error;
    });
  }

  async #finish(): Promise<LapResult> {
    this.#deps.processor.finish(this.#writer);
    await this.#commit(true);
    return this.#result('finished');
  }

  #newCheckpoint(finished: boolean): Checkpoint {
    const next = [...this.#positions].map(([partition, { nextOffset }]) => [
      String(partition),
      String(nextOffset),
    ]);
    return {
      version: 1,
      next: Object.fromEntries(next) as Record<string, string>,
      counts: this.#deps.processor.counts(),
      gaps: this.#gaps,
      finished,
    };
  }

  #lapSoFar(): SliceProgress['lap'] {
    const elapsedMs = Math.round(performance.now() - this.#startedAt);
    return { records: this.#records, transactions: this.#transactions, elapsedMs };
  }

  #result(outcome: LapResult['outcome']): LapResult {
    return { outcome, checkpoint: this.#checkpoint, lap: this.#lapSoFar() };
  }
}
