import type { PartitionClock, TimeRules } from './watermark.js';
import { END_INSTANT_MS, FIRST_INSTANT_MS } from './window.js';

/**
 * What becomes of a frame by its timestamp alone (the table is in docs/unique-users.md and, row by row, in the test):
 * `accept` and `late` are counted, `late` after its minute may have been final; `hold` waits for confirmation;
 * `too-late`, `unconfirmed` and `impossible` (not a four-digit year) go to quarantine.
 */
export type TimeDecision = 'accept' | 'late' | 'hold' | 'too-late' | 'unconfirmed' | 'impossible';
export type SettledDecision = Exclude<TimeDecision, 'hold' | 'impossible'>;

export interface HeldFrame<Frame> {
  readonly atS: number;
  /** How many frames of the partition had been counted when this one came. */
  readonly countedBefore: number;
  readonly frame: Frame;
}

/** The whole state, plain JSON when `Frame` is. */
export interface PartitionTimeState<Frame> {
  readonly timeS: number | undefined;
  /** Of the last `2 * confirmFrames` frames counted those beyond `timeS`: timestamp, and how many had been counted before. */
  readonly ahead: readonly (readonly [atS: number, countedBefore: number])[];
  readonly counted: number;
  readonly held: readonly HeldFrame<Frame>[];
  readonly reading: PartitionClock['reading'];
}

/** Frames held at most, as a multiple of `confirmFrames`: what is held is part of every checkpoint. */
const HELD_PER_CONFIRMATION = 10;

/** How far from its median an input too short to start its time is believed: a flip of bit 25 or higher is further. */
const SHORT_INPUT_REACH_S = 366 * 86_400;

const isImpossible = (atS: number): boolean =>
  !(atS * 1000 >= FIRST_INSTANT_MS && atS * 1000 < END_INSTANT_MS);

/**
 * The time of one source partition, decided from that partition's own frames in offset order and from nothing else,
 * so that a restart or another division into slices decides alike.
 *
 * Time is what K = `confirmFrames` of the last 2 K frames counted have reached, so that a wild one opens nothing and
 * moves nothing, and any number of them neither while they are fewer than K of 2 K. It starts, and jumps over a hole,
 * when K held frames lie within the lateness of each other; to jump they must also have come while fewer than K frames
 * followed the old time. So a minority with a wrong clock never takes a partition over.
 */
export class PartitionTime<Frame> implements PartitionClock {
  timeS: number | undefined;
  /** Idle, it is read again once its time has moved: what it brings may be wild, held or of hours ago, and nobody waits for that. */
  reading: PartitionClock['reading'] = 'reading';
  readonly #rules: TimeRules;
  /** Timestamps of the last 2 K frames counted, a ring: that of the n-th frame is at n modulo 2 K. */
  readonly #recent: Float64Array;
  #slot = 0;
  /** How many of them are beyond `timeS`; always fewer than `confirmFrames`. */
  #ahead = 0;
  #counted = 0;
  #held: HeldFrame<Frame>[] = [];
  #unsettled = false;

  constructor(rules: TimeRules, state?: PartitionTimeState<Frame>) {
    this.#rules = rules;
    this.#recent = new Float64Array(2 * rules.confirmFrames).fill(Number.NEGATIVE_INFINITY);
    if (state === undefined) return;
    this.timeS = state.timeS;
    this.reading = state.reading;
    for (const [atS, countedBefore] of state.ahead) this.#recent[countedBefore % this.#recent.length] = atS;
    this.#ahead = state.ahead.length;
    this.#counted = state.counted;
    this.#slot = state.counted % this.#recent.length;
    this.#held = [...state.held];
  }

  get state(): PartitionTimeState<Frame> {
    return {
      timeS: this.timeS,
      ahead: this.#framesAhead(),
      counted: this.#counted,
      held: [...this.#held],
      reading: this.reading,
    };
  }

  /** Frames counted so far, those that had been held among them. */
  get counted(): number {
    return this.#counted;
  }

  /** Whether frames wait for confirmation. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** Whether `settle` has something to decide. */
  get unsettled(): boolean {
    return this.#unsettled;
  }

  /** Decides on the next frame; `atS` is its timestamp in whole seconds. On `hold`, call `hold`; then `settle` if `unsettled`. */
  decide(atS: number): TimeDecision {
    if (isImpossible(atS)) return 'impossible';
    const time = this.timeS;
    if (time === undefined || atS > time + this.#rules.aheadS) return 'hold';
    if (atS < time - this.#rules.latenessS) return 'too-late';
    this.#count(atS, time);
    if (this.#held.length > 0) this.#unsettled = true;
    return atS < time - this.#rules.orderS ? 'late' : 'accept';
  }

  hold(atS: number, frame: Frame): void {
    this.#held.push({ atS, countedBefore: this.#counted, frame });
    this.#unsettled = true;
  }

  /** Decides on held frames, in the order they came, as far as can be done now. */
  settle(settled: (decision: SettledDecision, held: HeldFrame<Frame>) => void): void {
    while (this.#settleReached(settled) || this.#confirm()) {
      // Each pass may move time, which may reach or confirm more.
    }
    this.#unsettled = false;
  }

  /** Nothing that counts comes for now: the others need not wait for this partition. */
  idle(): void {
    this.reading = 'idle';
  }

  /** Nothing comes for now that could confirm what is held: it goes to quarantine. */
  giveUp(settled: (decision: SettledDecision, held: HeldFrame<Frame>) => void): void {
    for (const held of this.#held.splice(0)) settled('unconfirmed', held);
    this.#unsettled = false;
  }

  /**
   * Nothing will ever follow. An input too short or too sparse to ever start its time is counted nevertheless, but for
   * what lies far from its middle; after a start, what is still held goes to quarantine.
   */
  end(settled: (decision: SettledDecision, held: HeldFrame<Frame>) => void): void {
    if (this.timeS === undefined && this.#held.length > 0) {
      const middleS = this.#heldTimes()[Math.floor(this.#held.length / 2)]!;
      for (const held of this.#held.splice(0)) {
        settled(Math.abs(held.atS - middleS) <= SHORT_INPUT_REACH_S ? 'accept' : 'unconfirmed', held);
      }
    }
    this.giveUp(settled);
    this.reading = 'ended';
  }

  #count(atS: number, time: number): void {
    const recent = this.#recent;
    const slot = this.#slot;
    if (recent[slot]! > time) this.#ahead -= 1;
    recent[slot] = atS;
    this.#slot = slot + 1 === recent.length ? 0 : slot + 1;
    this.#counted += 1;
    if (atS <= time) return;
    this.#ahead += 1;
    if (this.#ahead === this.#rules.confirmFrames) this.#advance(time);
  }

  /** Moves time to the earliest of the K recent frames that are beyond it. */
  #advance(time: number): void {
    let earliest = Number.POSITIVE_INFINITY;
    let reached = 0;
    const recent = this.#recent;
    for (let i = 0; i < recent.length; i++) {
      const atS = recent[i]!;
      if (atS <= time || atS > earliest) continue;
      reached = atS === earliest ? reached + 1 : 1;
      earliest = atS;
    }
    this.timeS = earliest;
    this.#ahead -= reached;
    this.reading = 'reading';
  }

  /** In the order they came. */
  #framesAhead(): [atS: number, countedBefore: number][] {
    const { length } = this.#recent;
    const time = this.timeS ?? Number.POSITIVE_INFINITY;
    const frames: [number, number][] = [];
    for (let before = Math.max(0, this.#counted - length); before < this.#counted; before++) {
      const atS = this.#recent[before % length]!;
      if (atS > time) frames.push([atS, before]);
    }
    return frames;
  }

  /** Decides on the first held frame that time has reached, that was outnumbered, or that is one too many. */
  #settleReached(settled: (decision: SettledDecision, held: HeldFrame<Frame>) => void): boolean {
    const { confirmFrames, aheadS } = this.#rules;
    const reach = this.timeS === undefined ? Number.NEGATIVE_INFINITY : this.timeS + aheadS;
    const reached = this.#held.findIndex(({ atS }) => atS <= reach);
    if (reached >= 0) {
      const held = this.#held.splice(reached, 1)[0]!;
      settled(this.decide(held.atS) as SettledDecision, held);
      return true;
    }
    const oldest = this.#held[0];
    if (oldest === undefined) return false;
    const isOutnumbered = this.timeS !== undefined && this.#counted - oldest.countedBefore >= confirmFrames;
    if (!isOutnumbered && this.#held.length <= HELD_PER_CONFIRMATION * confirmFrames) return false;
    this.#held.shift();
    settled('unconfirmed', oldest);
    return true;
  }

  /** Starts or moves time to the earliest of K held frames within the lateness of each other, the newest among them. */
  #confirm(): boolean {
    const { confirmFrames, latenessS } = this.#rules;
    const newestS = this.#held.at(-1)?.atS ?? 0;
    let near = 0;
    for (const { atS } of this.#held) if (Math.abs(atS - newestS) <= latenessS) near += 1;
    // Only the newest can have completed a group, so this spares the sorting almost always.
    if (near < confirmFrames) return false;
    const times = this.#heldTimes();
    const first = times.findIndex((atS, i) => times[i + confirmFrames - 1]! - atS <= latenessS);
    if (first < 0) return false;
    // Whatever was counted before is behind it.
    this.timeS = times[first]!;
    this.#ahead = 0;
    this.reading = 'reading';
    return true;
  }

  #heldTimes(): Float64Array {
    return Float64Array.from(this.#held, ({ atS }) => atS).sort();
  }
}
