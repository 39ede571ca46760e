import { DAY_MS, dayStartMs, type Day } from '../core/day.js';

/** When things happen, for code that has no clock: time comes in as an argument. */
export interface Clock {
  /** Epoch milliseconds of a step; never falls from one step to the next. */
  atMs(step: number): number;
  /** The earliest instant an event may have: the start of the first day. */
  readonly firstMs: number;
}

/** A run of known size, spread evenly over its days: the same every time. */
export function spreadOver(from: Day, days: number, steps: number): Clock {
  const firstMs = dayStartMs(from);
  return { firstMs, atMs: (step) => firstMs + Math.floor((step * days * DAY_MS) / Math.max(steps, 1)) };
}

/** An endless run: things happen now; what is late belongs to one of the six days before the first one. */
export function live(nowMs: () => number): Clock {
  let last = nowMs();
  const firstMs = Math.floor(last / DAY_MS) * DAY_MS - 6 * DAY_MS;
  // A wall clock may be set back; an update must not be older than the insert before it.
  return { firstMs, atMs: () => (last = Math.max(last, nowMs())) };
}
