import { PipelineError } from '../core/errors.js';
import type { FetchedPartition } from './requests.js';

/** Offsets `[startOffset, endOffset)` of a partition; without an end the reader follows the log. */
export interface ReadRange {
  readonly partition: number;
  readonly startOffset: number;
  readonly endOffset?: number;
}

/**
 * Offsets `[startOffset, endOffset)` that are not there any more although the log had them: `expired` by retention or
 * deletion of records, or lost because the topic was `recreated`. Holes (compaction, transactions) are no gaps.
 */
export interface Gap {
  readonly kind: 'gap';
  readonly partition: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly reason: 'expired' | 'recreated';
}

export interface Position {
  readonly partition: number;
  readonly endOffset: number;
  offset: number;
  /** As the broker last said, -1 before it was asked. */
  lastStableOffset: number;
  /** An empty answer to a request for several partitions may only mean that the others filled it: ask alone. */
  askAlone: boolean;
  /** Bytes to ask of it at most. */
  maxBytes: number;
}

/** Bytes asked of one partition in one fetch: fewer make round trips cost more than records, more only cost memory. */
export const PARTITION_BYTES = 2 << 20;

/** The next batches may be a little larger than those before: so much for each, a 64th of it. */
const SPARE_SHIFT = 6;

/**
 * As many bytes as whole batches of this size take, and a little more. A broker fills an answer to the last byte asked for: the batch at
 * its end is cut, and comes again, whole, with the next one. Of batches of 512 KiB and a little more a quarter of all bytes
 * would come for nothing.
 */
export function wholeBatches(batchBytes: number): number {
  if (batchBytes <= 0 || batchBytes > PARTITION_BYTES) return PARTITION_BYTES;
  const batches = Math.floor(PARTITION_BYTES / batchBytes);
  return batches * (batchBytes + (batchBytes >> SPARE_SHIFT));
}

/** Where the reading of a topic's ranges is, and what to ask next. No I/O. */
export class ReadPositions {
  readonly #topic: string;
  /** In the order in which they are asked: who came away empty goes first next time, and who was first then last. */
  #positions: Position[];
  #paused: ReadonlySet<number> = new Set();

  constructor(topic: string, ranges: readonly ReadRange[]) {
    this.#topic = topic;
    this.#positions = ranges.map(({ partition, startOffset, endOffset }) => ({
      partition,
      offset: startOffset,
      lastStableOffset: -1,
      endOffset: endOffset ?? Number.POSITIVE_INFINITY,
      askAlone: false,
      maxBytes: PARTITION_BYTES,
    }));
  }

  /** Those with something left to read. */
  get active(): Position[] {
    return this.#positions.filter((position) => position.offset < position.endOffset);
  }

  /** Those to ask now. */
  get next(): Position[] {
    const { active } = this;
    const unpaused = active.filter(({ partition }) => !this.#paused.has(partition));
    const wanted = unpaused.length > 0 ? unpaused : active;
    const alone = wanted.find((position) => position.askAlone);
    return alone === undefined ? wanted : [alone];
  }

  of(partition: number): Position | undefined {
    return this.#positions.find((position) => position.partition === partition);
  }

  /** Leaves these partitions out. Pausing all that have something left reads on. */
  pause(partitions: readonly number[]): void {
    this.#paused = new Set(partitions);
  }

  /**
   * Takes note of an answer in which this one was asked first. A broker gives to one after the other until the answer is full, so that the
   * last of many would get next to nothing each time.
   */
  wasFirst(position: Position): void {
    this.#positions = [...this.#positions.filter((other) => other !== position), position];
  }

  /** Takes note of an answer that brought no record of a partition, asked with others or `alone`. */
  cameEmpty(position: Position, fetched: FetchedPartition, alone: boolean, throttleMs: number): void {
    this.#positions = [position, ...this.#positions.filter((other) => other !== position)];
    // Records cut off by the byte limit, or a broker that throttles (KIP-219), say nothing about the log.
    if (fetched.bytes.length > 0 || throttleMs > 0) return;
    if (fetched.lastStableOffset < position.endOffset) return;
    // The log has decided everything up to the end and shows nothing: compaction took the last records (a hole).
    if (alone) position.offset = position.endOffset;
    else position.askAlone = true;
  }

  loseTheRest(): Gap[] {
    return this.active.map((position) => this.lose(position));
  }

  /** @throws PipelineError `TOPIC_RECREATED` for a range without an end: there is no saying how much is lost. */
  lose(position: Position): Gap {
    const { partition, offset, endOffset } = position;
    if (endOffset === Number.POSITIVE_INFINITY) {
      const message = `reading ${this.#topic}-${partition}: the log restarted below`;
      throw new PipelineError('TOPIC_RECREATED', message, {
        at: { topic: this.#topic, partition, offset: String(offset) },
      });
    }
    position.offset = endOffset;
    return { kind: 'gap', partition, startOffset: offset, endOffset, reason: 'recreated' };
  }
}
