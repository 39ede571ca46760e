import { UniqueSketch } from './hyperloglog.js';
import type { FieldCount } from './uniques-state.js';
import { WINDOW_KINDS, windowAt, type Window } from './window.js';

interface WindowState {
  readonly window: Window;
  readonly counts: readonly FieldCount[];
  /** It had left memory and was opened once more: these counts are an addition to what was reported then. */
  readonly isAgain: boolean;
  isDirty: boolean;
}

/** The windows of one minute's frames. */
interface Minute {
  readonly startS: number;
  /** In the order of WINDOW_KINDS, as the others. */
  readonly windows: readonly WindowState[];
  /** Per field: the sketches of its windows. */
  readonly sketches: readonly (readonly UniqueSketch[])[];
  /** Per field: frames that the windows' counts do not include yet. */
  readonly pending: Int32Array;
}

const MINUTE = WINDOW_KINDS.indexOf('minute');
const WEEK = WINDOW_KINDS.indexOf('week');
const YEAR = WINDOW_KINDS.indexOf('year');

/**
 * The windows that frames are expected to change, and what was counted in them. Others have left memory; a frame that falls into one
 * nevertheless opens it again until the next report.
 */
export class OpenWindows {
  /** Windows that end here or before have left memory. */
  closedS = Number.NEGATIVE_INFINITY;
  readonly #fields: number;
  readonly #precision: number;
  readonly #windows = WINDOW_KINDS.map(() => new Map<number, WindowState>());
  readonly #minutes = new Map<number, Minute>();
  /** That of the last frame: the next one most often is of the same. */
  #minute: Minute | undefined;
  #hasAgain = false;
  #size = 0;

  constructor(fields: number, precision: number) {
    this.#fields = fields;
    this.#precision = precision;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a frame to the six windows of its time. */
  count(atS: number, present: number, hashes: Int32Array): void {
    let minute = this.#minute;
    if (minute === undefined || atS < minute.startS || atS >= minute.startS + 60) {
      minute = this.#turnTo(atS - (((atS % 60) + 60) % 60));
    }
    for (let field = 0, bits = present; bits !== 0; field++, bits >>>= 1) {
      if ((bits & 1) === 0) continue;
      minute.pending[field]! += 1;
      addToWindows(minute.sketches[field]!, hashes[2 * field]!, hashes[2 * field + 1]!);
    }
  }

  /** Reports the windows that have changed since it was last called; the counts are the ones that go on changing. */
  changed(report: (window: Window, counts: readonly FieldCount[], isAgain: boolean) => void): void {
    this.#settleMinute();
    for (const windows of this.#windows) {
      for (const state of windows.values()) {
        if (!state.isDirty) continue;
        state.isDirty = false;
        report(state.window, state.counts, state.isAgain);
      }
    }
  }

  restore(window: Window, counts: readonly FieldCount[]): void {
    const state = { window, counts, isAgain: false, isDirty: false };
    this.#keep(this.#windows[WINDOW_KINDS.indexOf(window.kind)]!, state);
  }

  /** Drops the windows that end at this time or before, once they were reported, and says which it closes for the first time. */
  close(closedS: number): Window[] {
    // Infinity, once all have ended, is not a time: nothing follows, so nothing needs to leave.
    if (closedS > this.closedS && closedS !== Number.POSITIVE_INFINITY) this.closedS = closedS;
    else if (!this.#hasAgain) return [];
    this.#hasAgain = false;
    const closed: Window[] = [];
    for (const windows of this.#windows) {
      for (const [startMs, { window, isAgain }] of windows) {
        if (window.endMs > this.closedS * 1000) continue;
        windows.delete(startMs);
        this.#size -= 1;
        if (!isAgain) closed.push(window);
        if (window.kind === 'minute') this.#minutes.delete(startMs / 1000);
      }
    }
    this.#minute = undefined;
    return closed;
  }

  #turnTo(startS: number): Minute {
    this.#settleMinute();
    let minute = this.#minutes.get(startS);
    if (minute === undefined) {
      minute = this.#openMinute(startS);
      this.#minutes.set(startS, minute);
    }
    this.#minute = minute;
    return minute;
  }

  #openMinute(startS: number): Minute {
    const windows = WINDOW_KINDS.map((kind, k) =>
      this.#open(this.#windows[k]!, windowAt(kind, startS * 1000)),
    );
    const fields = Array.from({ length: this.#fields }, (_, field) => field);
    const sketches = fields.map((field) => windows.map(({ counts }) => counts[field]!.sketch));
    return { startS, windows, sketches, pending: new Int32Array(this.#fields) };
  }

  /** Adds the frames counted since this minute's turn began to its windows. */
  #settleMinute(): void {
    if (this.#minute === undefined) return;
    const { windows, pending } = this.#minute;
    if (pending.every((frames) => frames === 0)) return;
    for (const window of windows) {
      window.isDirty = true;
      window.counts.forEach((count, field) => (count.frames += pending[field]!));
    }
    pending.fill(0);
  }

  #open(windows: Map<number, WindowState>, window: Window): WindowState {
    let state = windows.get(window.startMs);
    if (state === undefined) {
      const counts = Array.from({ length: this.#fields }, () => ({
        frames: 0,
        sketch: new UniqueSketch(this.#precision),
      }));
      const isAgain = window.endMs <= this.closedS * 1000;
      this.#hasAgain ||= isAgain;
      state = { window, counts, isAgain, isDirty: false };
      this.#keep(windows, state);
    }
    return state;
  }

  #keep(windows: Map<number, WindowState>, state: WindowState): void {
    windows.set(state.window.startMs, state);
    this.#size += 1;
  }
}

/**
 * Adds a hash to the sketches of the windows of its minute, in the order of WINDOW_KINDS. A window holds whatever a narrower one within
 * it holds, so what changes nothing there changes nothing here.
 */
function addToWindows(sketches: readonly UniqueSketch[], high: number, low: number): void {
  for (let k = MINUTE; k <= YEAR; k++) {
    // A month is not made of weeks, so the week says nothing of it.
    if (!sketches[k]!.add(high, low) && k !== WEEK) return;
  }
}
