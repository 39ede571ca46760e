import { isoSeconds, WINDOW_KINDS, windowAt, type Window } from '../core/window.js';

/** The exact count of one window: one line of the answer file, named as in a result. */
export interface ExactCount {
  readonly window: Window['kind'];
  readonly start: string;
  readonly end: string;
  readonly users: number;
  readonly frames: number;
}

interface Tally {
  readonly window: Window;
  /** One bit per user of the whole population. */
  readonly seen: Uint32Array;
  users: number;
  frames: number;
}

/** Counts frames of users numbered from 0 exactly, by one bit per user and window; windows that are done leave memory. */
export class ExactCounter {
  readonly #users: number;
  readonly #windows = WINDOW_KINDS.map(() => new Map<number, Tally>());
  readonly #spare: Uint32Array[] = [];
  #minuteS = Number.NaN;
  #minute: Tally[] = [];

  constructor(users: number) {
    this.#users = users;
  }

  add(atS: number, user: number): void {
    const minuteS = Math.floor(atS / 60) * 60;
    if (minuteS !== this.#minuteS) {
      this.#minuteS = minuteS;
      this.#minute = WINDOW_KINDS.map((kind, k) => this.#open(k, windowAt(kind, minuteS * 1000)));
    }
    const word = user >>> 5;
    const bit = 1 << (user & 31);
    for (let k = 0; k < this.#minute.length; k++) {
      const tally = this.#minute[k]!;
      tally.frames += 1;
      if ((tally.seen[word]! & bit) !== 0) continue;
      tally.seen[word] = tally.seen[word]! | bit;
      tally.users += 1;
    }
  }

  /** The windows that end at `beforeS` or earlier, which no frame may touch any more. */
  close(beforeS: number): ExactCount[] {
    const closed: ExactCount[] = [];
    for (const windows of this.#windows) {
      for (const [startMs, tally] of windows) {
        if (tally.window.endMs > beforeS * 1000) continue;
        windows.delete(startMs);
        this.#spare.push(tally.seen.fill(0));
        closed.push(exactCount(tally));
      }
    }
    if (closed.length > 0) this.#minuteS = Number.NaN;
    return closed;
  }

  #open(kind: number, window: Window): Tally {
    const windows = this.#windows[kind]!;
    let tally = windows.get(window.startMs);
    if (tally === undefined) {
      const seen = this.#spare.pop() ?? new Uint32Array(Math.ceil(this.#users / 32));
      tally = { window, seen, users: 0, frames: 0 };
      windows.set(window.startMs, tally);
    }
    return tally;
  }
}

const exactCount = ({ window, users, frames }: Tally): ExactCount => ({
  window: window.kind,
  start: isoSeconds(window.startMs),
  end: isoSeconds(window.endMs),
  users,
  frames,
});
