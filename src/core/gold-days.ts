import type { KafkaPositions } from './barrier.js';
import { addDays, dayOf, daysBetween, FIRST_DAY, type Day } from './day.js';
import { PipelineError } from './errors.js';

/** What is known of each day of gold, what of it has to be computed, and in which order. Pure decisions. */

/** Why a recorded result does not stand any more. */
export type StaleReason = 'never-computed' | 'not-final' | 'gold-differs' | 'silver-changed' | 'users-known';

/** Why one may want a day again although its result stands: only when asked for. */
export type ChangeReason = 'users-changed' | 'code-changed';
export const CHANGE_REASONS: readonly ChangeReason[] = ['users-changed', 'code-changed'];

/** The run whose rows gold holds; counts as decimal strings. */
export interface StandingRun {
  readonly isFinal: boolean;
  readonly rowsWritten: string;
  readonly codeVersion: string;
  readonly startedAtMs: number;
  /** Of the topic of events: silver held every message below these offsets before the run read it. */
  readonly eventsRead: KafkaPositions[string];
}

/** How far silver has come with a day: the last message of one partition that touched it. */
export interface SilverReach {
  readonly partition: number;
  readonly lastOffset: string;
  readonly lastIngestedAtMs: number;
}

/** What the tables say of one day. */
export interface DayEvidence {
  readonly run: StandingRun | null;
  /** Rows of gold, a decimal string. */
  readonly rowsPresent: string;
  readonly reach: readonly SilverReach[];
  /** Users whose events the run could not count and who are in silver now. */
  readonly usersBecomeKnown: number;
  /** Rows whose name, email or deletion is not the user's any more; 0 when it was not asked. */
  readonly usersChanged: number;
}

/** Why a day has to be computed again; empty: its recorded result stands. */
export function staleReasons({ run, rowsPresent, reach, usersBecomeKnown }: DayEvidence): StaleReason[] {
  if (run === null) return ['never-computed'];
  const reasons: StaleReason[] = [];
  if (!run.isFinal) reasons.push('not-final');
  if (rowsPresent !== run.rowsWritten) reasons.push('gold-differs');
  if (reach.some((last) => isPast(last, run))) reasons.push('silver-changed');
  if (usersBecomeKnown > 0) reasons.push('users-known');
  return reasons;
}

/** Rows of a cut (partition -1) came from no message: ClickHouse wrote them, and its own clock orders them and the run. */
function isPast({ partition, lastOffset, lastIngestedAtMs }: SilverReach, run: StandingRun): boolean {
  if (partition < 0) return lastIngestedAtMs >= run.startedAtMs;
  return BigInt(lastOffset) >= BigInt(run.eventsRead[partition] ?? '0');
}

export function changeReasons({ run, usersChanged }: DayEvidence, codeVersion: string): ChangeReason[] {
  if (run === null) return [];
  const reasons: ChangeReason[] = [];
  if (usersChanged > 0) reasons.push('users-changed');
  if (statementOf(run.codeVersion) !== statementOf(codeVersion)) reasons.push('code-changed');
  return reasons;
}

/** The part of a code version that can change a day's rows: of `1.2.3+gold.0a1b2c3d` the digest of the statement. */
const statementOf = (codeVersion: string): string => codeVersion.slice(codeVersion.lastIndexOf('+') + 1);

/** How the last attempt at a day stands. */
export interface LastAttempt {
  readonly status: 'running' | 'abandoned' | 'failed' | 'complete';
  readonly errorCode: string;
  readonly startedAtMs: number;
}

/** A day of gold at a glance. */
export interface GoldDayState {
  readonly day: Day;
  readonly state: 'missing' | 'complete' | 'stale' | 'running' | 'failed';
  readonly stale: readonly StaleReason[];
  readonly changed: readonly ChangeReason[];
  /** Rows of gold, a decimal string. */
  readonly rows: string;
  /** When the standing run began; null where there is none. */
  readonly computedAtMs: number | null;
  /** Of the last attempt, when it failed. */
  readonly errorCode: string;
}

/** A result that stands is not hidden by a later attempt that failed: nothing is left to do, and its error is told. */
export function dayState(
  day: Day,
  evidence: DayEvidence,
  last: LastAttempt | null,
  codeVersion: string,
): GoldDayState {
  const stale = staleReasons(evidence);
  const standing = evidence.run === null ? 'missing' : stale.length > 0 ? 'stale' : 'complete';
  const hidesIt = last?.status === 'running' || (last?.status === 'failed' && standing !== 'complete');
  return {
    day,
    state: hidesIt ? last.status : standing,
    stale,
    changed: changeReasons(evidence, codeVersion),
    rows: evidence.rowsPresent,
    computedAtMs: evidence.run?.startedAtMs ?? null,
    errorCode: last?.status === 'failed' ? last.errorCode : '',
  };
}

/** Which days of a range a backfill computes. */
export interface BackfillSelection {
  readonly missing: boolean;
  readonly stale: boolean;
  /** Reasons that count as stale although they are not by themselves. */
  readonly also: readonly ChangeReason[];
  readonly all: boolean;
}

export interface PlannedDay {
  readonly day: Day;
  /** Also computed when its recorded result stands. */
  readonly force: boolean;
  readonly reasons: readonly (StaleReason | ChangeReason | 'all')[];
}

/** The days to compute, newest first, each with why. */
export function planDays(states: readonly GoldDayState[], selection: BackfillSelection): PlannedDay[] {
  return states
    .map((state) => plannedDay(state, selection))
    .filter((planned) => planned !== null)
    .sort((a, b) => (a.day < b.day ? 1 : -1));
}

function plannedDay(
  state: GoldDayState,
  { missing, stale, also, all }: BackfillSelection,
): PlannedDay | null {
  const { day } = state;
  const isMissing = state.stale.includes('never-computed');
  const standard = (isMissing ? missing : stale) || all ? state.stale : [];
  const optional = isMissing ? [] : state.changed.filter((reason) => also.includes(reason));
  const reasons = [...standard, ...optional];
  if (reasons.length > 0) return { day, force: standard.length === 0, reasons };
  return all ? { day, force: true, reasons: ['all'] } : null;
}

/**
 * Twenty years: the days of a backfill travel in one message, each with its reasons, and Temporal takes none above 2 MB.
 */
export const LONGEST_RANGE_DAYS = 7_305;

/**
 * The days of `[from, to]`, both included, all of them over at `nowMs`; `doing` is what they are wanted for.
 * @throws PipelineError `BAD_RANGE`.
 */
export function pastDays(doing: string, from: Day, to: Day, nowMs: number): Day[] {
  if (from > to) throw new PipelineError('BAD_RANGE', `${doing}: the first day is after the last`);
  if (from < FIRST_DAY)
    throw new PipelineError('BAD_RANGE', `${doing}: the first day is before ${FIRST_DAY}`);
  const today = dayOf(nowMs);
  if (to >= today)
    throw new PipelineError('BAD_RANGE', `${doing}: the last day must be over (today is ${today} UTC)`);
  if (addDays(from, LONGEST_RANGE_DAYS) <= to) {
    throw new PipelineError('BAD_RANGE', `${doing}: more than ${LONGEST_RANGE_DAYS} days`);
  }
  return daysBetween(from, addDays(to, 1));
}
