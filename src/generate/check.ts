import type { ClickHouseClient } from '@clickhouse/client';
import { CANARY_USER_ID } from '../core/ids.js';
import type { Answer } from './answer.js';
import { arrivedEvent, type ArrivedEvent } from './arrived.js';
import { Comparison, type ComparisonResult, type Row } from './compare.js';

export interface TableCheck {
  readonly table: string;
  readonly result: ComparisonResult;
}

/** Compares silver with the generator's answer, row by row and every column. It must hold nothing but that run's rows. */
export async function checkSilver(
  clickhouse: ClickHouseClient,
  database: string,
  { users, events }: Answer,
): Promise<TableCheck[]> {
  return [
    await compare(clickhouse, 'silver_users', users, 'user_id', usersOf(database)),
    await compare(clickhouse, 'silver_events', events, 'event_id', eventsOf(database), (row) =>
      arrivedEvent(row as unknown as ArrivedEvent),
    ),
  ];
}

/** The same for gold, of which every day of the answer must have been computed. */
export async function checkGold(
  clickhouse: ClickHouseClient,
  database: string,
  { gold, unknown }: Answer,
): Promise<TableCheck[]> {
  return [
    await compare(clickhouse, 'gold_user_activity', gold, ['day', 'user_id'], goldOf(database)),
    await compare(clickhouse, 'events of unknown users', unknown, 'day', unknownOf(database)),
  ];
}

async function compare(
  clickhouse: ClickHouseClient,
  table: string,
  expected: readonly object[],
  key: string | readonly string[],
  query: string,
  shape: (row: Row) => object = (row) => row,
): Promise<TableCheck> {
  const comparison = new Comparison(expected as readonly Row[], key);
  const answered = await clickhouse.query({ query, format: 'JSONEachRow' });
  for await (const rows of answered.stream<Row>()) {
    for (const row of rows) comparison.see(shape(row.json()) as Row);
  }
  return { table, result: comparison.result() };
}

const ISO_MICROS = '%Y-%m-%dT%H:%i:%S.%fZ';

const usersOf = (database: string): string => `
SELECT toString(user_id) AS user_id, full_name, email, CAST(is_deleted, 'Bool') AS is_deleted,
       formatDateTime(created_at, '${ISO_MICROS}') AS created_at, formatDateTime(updated_at, '${ISO_MICROS}') AS updated_at
FROM ${database}.users_with_deleted AS silver
WHERE silver.user_id != ${CANARY_USER_ID}`;

const eventsOf = (database: string): string => `
SELECT event_id, toString(user_id) AS user_id, event_type, toString(toUnixTimestamp64Milli(ts)) AS ts, payload
FROM ${database}.events`;

const goldOf = (database: string): string => `
SELECT toString(day) AS day, toString(user_id) AS user_id, full_name, email,
       CAST(user_is_deleted, 'Bool') AS is_deleted, toFloat64(total_events) AS total_events,
       toFloat64(toUnixTimestamp64Milli(first_event_at)) AS first_event_ms,
       toFloat64(toUnixTimestamp64Milli(last_event_at)) AS last_event_ms,
       CAST(events_by_type, 'Map(String, Float64)') AS events_by_type
FROM ${database}.gold_user_activity`;

/** As the last complete run of each day recorded it. */
const unknownOf = (database: string): string => `
SELECT toString(day) AS day, toFloat64(argMax(unknown_events, finished_at)) AS events,
       toFloat64(argMax(unknown_users, finished_at)) AS users
FROM ${database}.ops_gold_runs FINAL
WHERE status = 'complete'
GROUP BY day
HAVING events > 0`;
