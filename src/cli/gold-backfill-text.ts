import type { PlannedDay } from '../core/gold-days.js';
import type { GoldBackfillProgress, GoldBackfillResult } from '../messages.js';
import { plainTable } from './table.js';

/** What is said of a backfill. */

export function describePlan(days: readonly PlannedDay[]): string {
  if (days.length === 0) return 'nothing to compute';
  const table = plainTable(['day', 'why']);
  for (const { day, reasons } of days) table.push([day, reasons.join(', ')]);
  return `${table.toString()}\n${days.length} days to compute, newest first`;
}

export function describeBackfill(result: GoldBackfillResult): string {
  const { from, to, planned, computed, reused, startedAtMs, finishedAtMs } = result;
  if (planned === 0) return `backfill of ${from} to ${to}: nothing to compute`;
  const seconds = ((finishedAtMs - startedAtMs) / 1_000).toFixed(1);
  const fresh = reused === 0 ? '' : `, ${reused} were fresh by then`;
  return `backfill of ${from} to ${to}: ${computed} of ${planned} days computed${fresh}, in ${seconds} s`;
}

export function describeFailedDays(result: GoldBackfillResult): string {
  const { failed, failedDays } = result;
  const table = plainTable(['failed', 'code', 'message']);
  for (const { day, code, message } of failed) table.push([day, code, message]);
  const more = failedDays > failed.length ? [`and ${failedDays - failed.length} more days failed`] : [];
  return [table.toString(), ...more, describeBackfill(result)].join('\n');
}

/** What a progress bar shows beside its bar. */
export interface BarText {
  readonly step: string;
  readonly done: number;
  /** Days to compute; 0 while that is not known, and the bar has no end. */
  readonly total: number;
  /** How far it is, with what failed and when it will be done. */
  readonly days: string;
  readonly detail: string;
}

export function backfillBarText(progress: GoldBackfillProgress, nowMs: number): BarText {
  const { step, detail, planned, computed, reused, failedDays, etaMs } = progress;
  const done = computed + reused + failedDays;
  const failures = failedDays === 0 ? '' : `, ${failedDays} failed`;
  const eta = etaMs === null ? '' : `, done about ${instant(etaMs, nowMs)}`;
  const days = planned === 0 ? '' : `${done} of ${planned} days${failures}${eta}`;
  return { step, done, total: planned, days, detail };
}

/** The time in UTC, with its date when that is not today's. */
function instant(epochMs: number, nowMs: number): string {
  const [date, time = ''] = new Date(epochMs).toISOString().slice(0, 19).split('T');
  const today = new Date(nowMs).toISOString().slice(0, 10);
  return date === today ? `${time}Z` : `${date} ${time}Z`;
}
