import { DAY_MS, dayOf, dayStartMs, type Day } from './day.js';

/** Decisions of a gold run, each a pure function over closed cases. */

export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly code: 'DAY_IN_FUTURE' | 'DAY_UNFINISHED'; readonly message: string };

/** Whether `day` may be computed at `nowMs`: never before it begins, and before it is over only when forced. */
export function admitDay(day: Day, nowMs: number, force: boolean): Admission {
  const doing = `computing gold of ${day}`;
  if (dayStartMs(day) > nowMs) {
    const message = `${doing}: the day is in the future (it is ${dayOf(nowMs)} UTC)`;
    return { kind: 'refused', code: 'DAY_IN_FUTURE', message };
  }
  if (force || isOver(day, nowMs)) return { kind: 'admitted' };
  const message = `${doing}: the day is not over (UTC); --force computes what there is so far`;
  return { kind: 'refused', code: 'DAY_UNFINISHED', message };
}

export const isOver = (day: Day, nowMs: number): boolean => dayStartMs(day) + DAY_MS <= nowMs;

/** One attempt's staging table, measured; counts as decimal strings. */
export interface StagingContent {
  /** Rows in all: of gold, of unknown users, of events without a user. */
  readonly rows: string;
  readonly distinctUsers: string;
  /** Rows whose counts per type do not add up to their total. */
  readonly miscounted: string;
  /** Rows whose first or last event lies outside of the day, or whose first is after the last. */
  readonly misdated: string;
}

/** What is wrong with a staging table, given the rows its INSERT reported; undefined when nothing is. */
export function stagingFault(reportedRows: string, found: StagingContent): string | undefined {
  if (found.rows !== reportedRows) return `the SELECT gave ${reportedRows} rows, staging holds ${found.rows}`;
  if (found.distinctUsers !== found.rows) return `${found.rows} rows of ${found.distinctUsers} users`;
  if (found.miscounted !== '0') return `${found.miscounted} rows whose types do not add up to their total`;
  if (found.misdated !== '0') return `${found.misdated} rows with events outside of the day`;
  return undefined;
}
