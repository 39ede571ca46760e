import { PipelineError } from './errors.js';

/** A UTC calendar day as `YYYY-MM-DD`. */
export type Day = string;

export const DAY_MS = 86_400_000;

/** ClickHouse's Date begins here: an earlier day would be written as this one. */
export const FIRST_DAY: Day = '1970-01-01';

/** Parses a UTC day strictly. @throws PipelineError `BAD_DAY` when `text` is not a real calendar day, or before 1970. */
export function parseDay(text: string): Day {
  const startMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Date.parse rolls 2026-02-31 over to March; a real day survives the round trip.
  if (Number.isNaN(startMs) || dayOf(startMs) !== text) {
    throw new PipelineError('BAD_DAY', `reading the day "${text}": expected a calendar day as YYYY-MM-DD`);
  }
  if (text < FIRST_DAY) {
    throw new PipelineError('BAD_DAY', `reading the day "${text}": days begin with ${FIRST_DAY}`);
  }
  return text;
}

/** The UTC day that contains an instant. */
export const dayOf = (epochMs: number): Day => new Date(epochMs).toISOString().slice(0, 10);

/** Epoch milliseconds of the day's first instant; the day is `[dayStartMs(day), dayStartMs(day) + DAY_MS)`. */
export const dayStartMs = (day: Day): number => Date.parse(`${day}T00:00:00Z`);

export const addDays = (day: Day, days: number): Day => dayOf(dayStartMs(day) + days * DAY_MS);

/** The UTC day before the one that contains `nowMs`: what a daily run computes by default. */
export const previousDay = (nowMs: number): Day => addDays(dayOf(nowMs), -1);

/** All days of `[from, to)`. */
export function daysBetween(from: Day, to: Day): Day[] {
  const days: Day[] = [];
  for (let day = from; day < to; day = addDays(day, 1)) days.push(day);
  return days;
}
