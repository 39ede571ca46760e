import type { PartitionClock } from '../watermark.js';

/** Messages whose middle is the time: more than half of them must agree on a wrong time before it moves. */
export const TIME_MESSAGES = 101;

/** Plain JSON. */
export interface PartitionTimeState {
  /** Event times of the last valid messages, epoch ms, in the order they came. */
  readonly last: readonly number[];
  readonly timeMs: number | null;
  readonly reading: PartitionClock['reading'];
}

/**
 * The time a source partition has reached: the greatest that the median of its last 101 valid messages' event times has been.
 * It never goes back; a wild time moves it only when it is one of 51. None before there are 101 messages. It is a function
 * of the partition's own messages in offset order, so that restarts and slicing change no decision.
 */
export class LoginTime implements PartitionClock {
  reading: PartitionClock['reading'] = 'reading';
  timeMs: number | undefined;
  readonly #last: number[];
  /** The same, ascending. */
  readonly #sorted: number[];

  constructor(state?: PartitionTimeState) {
    this.#last = [...(state?.last ?? [])];
    this.#sorted = [...this.#last].sort((a, b) => a - b);
    this.timeMs = state?.timeMs ?? undefined;
    if (state !== undefined) this.reading = state.reading;
  }

  get state(): PartitionTimeState {
    return { last: [...this.#last], timeMs: this.timeMs ?? null, reading: this.reading };
  }

  get timeS(): number | undefined {
    return this.timeMs === undefined ? undefined : Math.floor(this.timeMs / 1_000);
  }

  /** The next valid message happened at `atMs`. */
  observe(atMs: number): void {
    const sorted = this.#sorted;
    this.#last.push(atMs);
    sorted.splice(firstNotBelow(sorted, atMs), 0, atMs);
    if (this.#last.length > TIME_MESSAGES) sorted.splice(firstNotBelow(sorted, this.#last.shift()!), 1);
    if (this.#last.length < TIME_MESSAGES) return;
    const median = sorted[(TIME_MESSAGES - 1) / 2]!;
    if (this.timeMs === undefined || median > this.timeMs) this.timeMs = median;
  }

  /** Whether a message of this time is more than `latenessMs` behind. */
  isTooLate(atMs: number, latenessMs: number): boolean {
    return this.timeMs !== undefined && atMs < this.timeMs - latenessMs;
  }
}

/** Index of the first element that is not below `value`, in an ascending list. */
function firstNotBelow(sorted: readonly number[], value: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
