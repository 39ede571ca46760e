import { DAY_MS } from './day.js';

/** The windows every frame falls into, all in UTC; a week is an ISO week, from Monday. */
export const WINDOW_KINDS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
export type WindowKind = (typeof WINDOW_KINDS)[number];

/** The instants `[startMs, endMs)` of one window. */
export interface Window {
  readonly kind: WindowKind;
  readonly startMs: number;
  readonly endMs: number;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * DAY_MS;
/** 1970-01-01 was a Thursday: the first Monday is four days later. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** Instants `[FIRST_INSTANT_MS, END_INSTANT_MS)` whose windows have a four-digit year: 0001-01-01 to the end of 9998. */
export const FIRST_INSTANT_MS = -62_135_596_800_000;
export const END_INSTANT_MS = 253_370_764_800_000;

const floorTo = (epochMs: number, stepMs: number): number => Math.floor(epochMs / stepMs) * stepMs;

/** The window of a kind that contains an instant. */
export function windowAt(kind: WindowKind, epochMs: number): Window {
  switch (kind) {
    case 'minute':
      return fixed(kind, floorTo(epochMs, MINUTE_MS), MINUTE_MS);
    case 'hour':
      return fixed(kind, floorTo(epochMs, HOUR_MS), HOUR_MS);
    case 'day':
      return fixed(kind, floorTo(epochMs, DAY_MS), DAY_MS);
    case 'week':
      return fixed(kind, floorTo(epochMs - FIRST_MONDAY_MS, WEEK_MS) + FIRST_MONDAY_MS, WEEK_MS);
    case 'month': {
      const date = new Date(epochMs);
      return calendar(kind, date.getUTCFullYear(), date.getUTCMonth(), 1);
    }
    case 'year':
      return calendar(kind, new Date(epochMs).getUTCFullYear(), 0, 12);
  }
}

const fixed = (kind: WindowKind, startMs: number, lengthMs: number): Window => ({
  kind,
  startMs,
  endMs: startMs + lengthMs,
});

const calendar = (kind: WindowKind, year: number, month: number, months: number): Window => ({
  kind,
  startMs: monthStartMs(year, month),
  endMs: monthStartMs(year, month + months),
});

/** First instant of a month counted from January of `year`; Date.UTC would read the years 0 to 99 as 1900 to 1999. */
function monthStartMs(year: number, month: number): number {
  return new Date(0).setUTCFullYear(year, month, 1);
}

/** `minute/2016-07-11T13:39:00Z`: the key of a window's state and result. */
export const windowKey = (window: Pick<Window, 'kind' | 'startMs'>): string =>
  `${window.kind}/${isoSeconds(window.startMs)}`;

/** The window a key names. @throws RangeError when it names none. */
export function parseWindowKey(key: string): Window {
  const [kind, start] = key.split('/');
  const startMs = Date.parse(start ?? '');
  const known = WINDOW_KINDS.find((name) => name === kind);
  const window = known === undefined || Number.isNaN(startMs) ? undefined : windowAt(known, startMs);
  if (window === undefined || windowKey(window) !== key) throw new RangeError(`no window is named "${key}"`);
  return window;
}

/** An instant on a whole second as `2016-07-11T13:39:00Z`. */
export function isoSeconds(epochMs: number): string {
  const dayMs = floorTo(epochMs, DAY_MS);
  // Keys are made by the million and in order of time: the day's part is worth keeping.
  if (dayMs !== lastDay.startMs)
    lastDay = { startMs: dayMs, text: new Date(dayMs).toISOString().slice(0, 11) };
  const second = (epochMs - dayMs) / 1000;
  const minute = Math.floor(second / 60);
  return `${lastDay.text}${TWO_DIGITS[Math.floor(minute / 60)]}:${TWO_DIGITS[minute % 60]}:${TWO_DIGITS[Math.floor(second % 60)]}Z`;
}

const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
let lastDay = { startMs: Number.NaN, text: '' };
