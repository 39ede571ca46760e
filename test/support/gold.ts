import assert from 'node:assert/strict';
import type { ClickHouseClient } from '@clickhouse/client';
import { goldStagingPrefix } from '../../src/core/ids.js';
import { addDays, type Day } from '../../src/core/day.js';
import type { EventAnswer, GoldAnswer, UnknownAnswer, UserAnswer } from '../../src/generate/answer.js';
import { compareRows, describeComparison, type Row } from '../../src/generate/compare.js';
import { expectedGold } from '../../src/generate/model.js';
import { eventOptions, userOptions } from '../../src/generate/options.js';

/** Long over on every machine whose clock is not years behind. */
export const FIRST_DAY: Day = '2024-05-01';
export const GENERATED_DAYS = 4;
export const DAYS = Array.from({ length: GENERATED_DAYS }, (_, i) => addDays(FIRST_DAY, i));

/** Users and events with everything that can happen to them, several times a day. */
export const generated = (seed: number, size: { users: number; events: number }, from = FIRST_DAY) => {
  const common = { seed, from, days: GENERATED_DAYS };
  return {
    users: userOptions({ ...common, users: size.users, deleteShare: 0.1, changeKeyShare: 0.05 }),
    events: eventOptions({
      ...common,
      events: size.events,
      lateShare: 0.05,
      moveShare: 0.03,
      deleteShare: 0.05,
      unknownShare: 0.02,
    }),
  };
};

async function select<T = Row>(clickhouse: ClickHouseClient, query: string): Promise<T[]> {
  const answer = await clickhouse.query({ query, format: 'JSONEachRow' });
  return answer.json<T>();
}

/** Every column of a day of gold, in the shape of the exact answer. */
export const goldRows = (clickhouse: ClickHouseClient, day: Day): Promise<Row[]> =>
  select(
    clickhouse,
    `SELECT toString(gold.day) AS day, toString(gold.user_id) AS user_id, toFloat64(gold.total_events) AS total_events,
            toFloat64(toUnixTimestamp64Milli(first_event_at)) AS first_event_ms,
            toFloat64(toUnixTimestamp64Milli(last_event_at)) AS last_event_ms,
            mapApply((type, events) -> (type, toFloat64(events)), gold.events_by_type) AS events_by_type,
            full_name, email, CAST(user_is_deleted, 'Bool') AS is_deleted
     FROM gold_user_activity AS gold WHERE gold.day = '${day}'`,
  );

/** What the sources hold, and so what gold must. */
export interface Tables {
  readonly users: readonly UserAnswer[];
  readonly events: readonly EventAnswer[];
}

export function expectedDay(tables: Tables, day: Day): { rows: GoldAnswer[]; unknown: UnknownAnswer } {
  const { gold, unknown } = expectedGold(tables.users, tables.events);
  return {
    rows: gold.filter((row) => row.day === day),
    unknown: unknown.find((row) => row.day === day) ?? { day, events: 0, users: 0 },
  };
}

/** A day of gold is exactly what the tables of the sources give. */
export async function assertGoldIs(clickhouse: ClickHouseClient, tables: Tables, day: Day): Promise<void> {
  const { rows } = expectedDay(tables, day);
  const found = compareRows(rows as unknown as Row[], await goldRows(clickhouse, day), ['day', 'user_id']);
  assert.ok(found.equal, `gold of ${day}: ${describeComparison(found)}`);
}

/** Staging tables of a day that are still there. */
export async function stagingTables(clickhouse: ClickHouseClient, day: Day): Promise<string[]> {
  const rows = await select<{ name: string }>(
    clickhouse,
    `SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '${goldStagingPrefix(day)}')`,
  );
  return rows.map(({ name }) => name);
}

export interface RecordedAttempt {
  readonly run_id: string;
  readonly attempt: number;
  readonly status: string;
  readonly error_code: string;
  readonly rows_written: string;
}

/** Every recorded attempt at a day, in the order of their beginning. */
export const attemptsOf = (clickhouse: ClickHouseClient, day: Day): Promise<RecordedAttempt[]> =>
  select(
    clickhouse,
    `SELECT run_id, attempt, toString(status) AS status, error_code, toString(rows_written) AS rows_written
     FROM ops_gold_runs FINAL WHERE day = '${day}' ORDER BY started_at, attempt`,
  );
