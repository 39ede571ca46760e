import type { ClickHouseClient } from '@clickhouse/client';
import type { Day } from '../../src/core/day.js';

/** An attempt at a day as the audit table ops_gold_runs has it, on ClickHouse's clock. */
export interface TimedAttempt {
  readonly day: Day;
  readonly runId: string;
  readonly attempt: number;
  readonly status: 'running' | 'abandoned' | 'failed' | 'complete';
  readonly requestedBy: string;
  readonly startedAtMs: number;
  /** Null while it runs. */
  readonly finishedAtMs: number | null;
}

/** Every attempt at the days of `[from, to]`, in the order of their beginning. */
export async function timedAttempts(
  clickhouse: ClickHouseClient,
  { from, to }: { readonly from: Day; readonly to: Day },
): Promise<TimedAttempt[]> {
  const ms = (column: string): string => `toFloat64(toUnixTimestamp64Milli(${column}))`;
  const answer = await clickhouse.query({
    query: `SELECT toString(recorded.day) AS day, run_id AS runId, attempt, toString(status) AS status, requested_by AS requestedBy,
                   ${ms('started_at')} AS startedAtMs, ${ms('finished_at')} AS finishedAtMs
            FROM ops_gold_runs AS recorded FINAL
            WHERE recorded.day BETWEEN '${from}' AND '${to}' ORDER BY started_at, attempt`,
    format: 'JSONEachRow',
  });
  return answer.json<TimedAttempt>();
}

/** Days at which two runs were at once, whatever came of them; attempts of one run may be, when a worker stalls. */
export function computedTwiceAtOnce(attempts: readonly TimedAttempt[]): Day[] {
  const twice = attempts.filter((one, i) =>
    attempts
      .slice(i + 1)
      .some((other) => one.day === other.day && one.runId !== other.runId && meet(one, other)),
  );
  return [...new Set(twice.map(({ day }) => day))];
}

/** What was requested by one and what by another met in time, at any of their days. */
export const metInTime = (ones: readonly TimedAttempt[], others: readonly TimedAttempt[]): boolean =>
  ones.some((one) => others.some((other) => meet(one, other)));

const meet = (one: TimedAttempt, other: TimedAttempt): boolean =>
  one.startedAtMs < endMs(other) && other.startedAtMs < endMs(one);

/** An abandoned attempt is recorded as ended when the next one began: up to that moment, and with it, it may have run. */
function endMs({ status, finishedAtMs }: TimedAttempt): number {
  if (finishedAtMs === null) return Infinity;
  return status === 'abandoned' ? finishedAtMs + 1 : finishedAtMs;
}
