import type { TimedAttempt } from '../../support/gold-attempts.js';

/** What can be killed: its supervisor brings each back. */
export const TARGETS = ['worker', 'clickhouse', 'temporal'] as const;

export interface Kill {
  readonly target: (typeof TARGETS)[number];
  readonly action: string;
  /** When, by the clock that ClickHouse goes by as well: all run on one machine. */
  readonly epochMs: number;
  /** When the one before was: what that one hit shows nothing of this one. */
  readonly lastEpochMs: number;
}

/** Whether an attempt was under way at the kill, and had begun after the one before. */
const isHit = ({ epochMs, lastEpochMs }: Kill, { startedAtMs, finishedAtMs }: TimedAttempt): boolean =>
  startedAtMs > lastEpochMs && startedAtMs <= epochMs && epochMs < (finishedAtMs ?? Infinity);

/**
 * How the audit table shows that a kill hit a day while it was computed; empty when it does not. Without its worker, or
 * ClickHouse, an attempt never ends, and a later one of its run does; without Temporal it goes on.
 */
export function proofOf(kill: Kill, attempts: readonly TimedAttempt[]): string {
  const hits = attempts.filter((attempt) => isHit(kill, attempt));
  if (kill.target === 'temporal') {
    const one = hits.find(({ status }) => status === 'complete');
    return one === undefined ? '' : `${one.day} was computed on without Temporal`;
  }
  for (const cut of hits.filter(({ status }) => status === 'abandoned')) {
    const later = attempts.find(
      ({ runId, status, attempt }) => runId === cut.runId && status === 'complete' && attempt > cut.attempt,
    );
    if (later) return `attempt ${cut.attempt} at ${cut.day} was cut off, attempt ${later.attempt} finished`;
  }
  return '';
}
