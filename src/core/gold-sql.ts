import { addDays, type Day } from './day.js';
import { CANARY_EVENT_ID, CANARY_EVENT_PREFIX, CANARY_USER_ID } from './ids.js';

/**
 * The statements of a gold run. Days are strict `YYYY-MM-DD` and table names derived, so that both may be put into the
 * text; `{name:Type}` are ClickHouse query parameters.
 */

/**
 * Staging keeps what gold does not show in partitions of their own, under days that gold never computes: so one SELECT,
 * over one snapshot of silver, gives the rows and the counts of what is unknown.
 */
export const UNKNOWN_USER_DAY: Day = '2149-06-05';
export const NO_USER_DAY: Day = '2149-06-06';

/** The server's clock, epoch ms. */
export const NOW_MS = 'toFloat64(toUnixTimestamp64Milli(now64(3)))';

/** Same columns, partitions and order as gold: what REPLACE PARTITION asks for. */
export const createStaging = (database: string, staging: string, onCluster: string): string =>
  `CREATE TABLE ${database}.${staging} ${onCluster} AS ${database}.gold_user_activity`;

export const fillStatement = (database: string, staging: string, day: Day): string =>
  `INSERT INTO ${database}.${staging}
${goldSelect(database, day, { events: ofDay(day), users: `${database}.users_with_deleted` })}`;

/** Which rows of silver count: a condition on events, and a table of users. */
interface GoldRows {
  readonly events: string;
  readonly users: string;
}

/** Aggregating by (user, type) first takes half the CPU of a sumMap per event. */
function goldSelect(database: string, day: Day, { events, users }: GoldRows): string {
  return `SELECT multiIf(activity.user_id IS NULL, toDate('${NO_USER_DAY}'),
               known.is_known = 0, toDate('${UNKNOWN_USER_DAY}'),
               toDate('${day}')) AS day,
       ifNull(activity.user_id, 0) AS user_id,
       known.full_name AS full_name,
       known.email AS email,
       known.is_deleted AS user_is_deleted,
       activity.total_events AS total_events,
       activity.first_event_at AS first_event_at,
       activity.last_event_at AS last_event_at,
       activity.events_by_type AS events_by_type
FROM
(
    SELECT user_id,
           sum(events) AS total_events,
           min(first_at) AS first_event_at,
           max(last_at) AS last_event_at,
           CAST(arraySort(groupArray((event_type, events))), 'Map(LowCardinality(String), UInt64)') AS events_by_type
    FROM
    (
        SELECT user_id, event_type, count() AS events, min(ts) AS first_at, max(ts) AS last_at
        FROM ${database}.silver_events FINAL
        WHERE ${events} AND NOT is_deleted
        GROUP BY user_id, event_type
    )
    GROUP BY user_id
) AS activity
LEFT ANY JOIN
(
    SELECT user_id, full_name, email, is_deleted, 1 AS is_known
    FROM ${users}
) AS known ON known.user_id = activity.user_id
SETTINGS do_not_merge_across_partitions_select_final = 1`;
}

/** Silver events of a day without the canary's. Event ids are extended JSON: a string id starts with its quote. */
const ofDay = (day: Day): string =>
  `day = '${day}' AND NOT startsWith(event_id, '"${CANARY_EVENT_PREFIX}') AND NOT (user_id <=> ${CANARY_USER_ID})`;

/** What gold would hold of the canary: the SELECT of a run, of its key only. Its result is never written anywhere. */
export const selectCanaryGold = (database: string, day: Day): string =>
  goldSelect(database, day, {
    events: `day = '${day}' AND event_id = '"${CANARY_EVENT_ID}"' AND user_id = ${CANARY_USER_ID}`,
    users: `${database}.users_with_reserved WHERE user_id = ${CANARY_USER_ID}`,
  });

/** Of all columns of a row of gold, in their order, 64 bits. Added up (mod 2^64) they digest rows whatever their order. */
const ROW_HASH = 'cityHash64(tuple(*))';

/** One row: staging tables of a day but for one's own, and the time; parameters `database`, `prefix`, `own`. */
export const OTHER_STAGING = `
SELECT groupArray(name) AS others, ${NOW_MS} AS nowMs
FROM system.tables
WHERE database = {database:String} AND startsWith(name, {prefix:String}) AND name != {own:String}`;

/** One row (StagingContent, DayDigest and the counts of a run). */
export const measureStaging = (database: string, staging: string, day: Day): string => `
SELECT count() AS rows,
       uniqExact(day, user_id) AS distinctUsers,
       countIf(arraySum(mapValues(events_by_type)) != total_events) AS miscounted,
       countIf(first_event_at > last_event_at OR first_event_at < toDateTime64('${day} 00:00:00', 3, 'UTC')
               OR last_event_at >= toDateTime64('${addDays(day, 1)} 00:00:00', 3, 'UTC')) AS misdated,
       countIf(day = '${day}') AS rowsWritten,
       sumIf(total_events, day = '${day}') AS events,
       countIf(day = '${UNKNOWN_USER_DAY}') AS unknownUsers,
       sumIf(total_events, day != '${day}') AS unknownEvents,
       sumIf(${ROW_HASH}, day = '${day}') AS digest
FROM ${database}.${staging}`;

/** One row (DayDigest) of what gold shows of a day: equal to what `measureStaging` says exactly when the rows are. */
export const digestGold = (database: string, day: Day): string => `
SELECT count() AS rowsWritten, sum(${ROW_HASH}) AS digest, ${NOW_MS} AS nowMs
FROM ${database}.gold_user_activity
WHERE day = '${day}'`;

/** Atomic; an empty staging partition empties the day. */
export const replacePartition = (
  database: string,
  staging: string,
  day: Day,
  onCluster: string,
): string => `ALTER TABLE ${database}.gold_user_activity ${onCluster}
REPLACE PARTITION '${day}' FROM ${database}.${staging}
SETTINGS allow_replace_partition_from_empty_source = 1`;

/** Columns of ops_gold_runs as GoldRun (but positions, a map of maps). */
export const RUN_COLUMNS = `toString(day) AS day, run_id AS runId, attempt, toString(status) AS status,
       requested_by AS requestedBy, code_version AS codeVersion, CAST(forced, 'Bool') AS forced, CAST(is_final, 'Bool') AS isFinal,
       toString(rows_read) AS rowsRead, toString(rows_written) AS rowsWritten, toString(events) AS events,
       toString(unknown_users) AS unknownUsers, toString(unknown_events) AS unknownEvents, positions,
       toFloat64(toUnixTimestamp64Milli(started_at)) AS startedAtMs,
       toFloat64(toUnixTimestamp64Milli(finished_at)) AS finishedAtMs,
       toFloat64(duration_ms) AS durationMs, error_code AS errorCode`;

/** One row: whether any run of the day is under way, and whether any completed. A third of the CPU that their columns take. */
export const recordedRuns = (database: string, day: Day): string => `
SELECT countIf(status = 'running') > 0 AS running, countIf(status = 'complete') > 0 AS complete
FROM ${database}.ops_gold_runs FINAL
WHERE day = '${day}'`;

/** The run whose rows gold holds: the last that completed. */
export const lastCompleteRun = (database: string, day: Day): string => `
SELECT ${RUN_COLUMNS}
FROM ${database}.ops_gold_runs FINAL
WHERE day = '${day}' AND status = 'complete'
ORDER BY finished_at DESC, attempt DESC
LIMIT 1`;

/** The attempt under way, else the one that ended last, whatever came of it. */
export const lastAttempt = (database: string, day: Day): string => `
SELECT ${RUN_COLUMNS}
FROM ${database}.ops_gold_runs FINAL
WHERE day = '${day}'
ORDER BY finished_at IS NULL DESC, finished_at DESC, stage DESC
LIMIT 1`;

/**
 * Marks attempts still recorded as running, one's own or all but one's own, as abandoned; parameters `runId`, `attempt`,
 * `nowMs`. Qualified, as a bare `status` is the new one.
 */
export const abandonRuns = (database: string, day: Day, whose: 'own' | 'others'): string => `
INSERT INTO ${database}.ops_gold_runs
SELECT * REPLACE ('abandoned' AS status, fromUnixTimestamp64Milli({nowMs:Int64}, 'UTC') AS finished_at)
FROM ${database}.ops_gold_runs AS recorded FINAL
WHERE recorded.day = '${day}' AND recorded.status = 'running'
  AND ${whose === 'others' ? 'NOT ' : ''}(recorded.run_id = {runId:String} AND recorded.attempt = {attempt:UInt32})`;

export const dayTotals = (database: string, day: Day): string => `
SELECT toString(count()) AS users, toString(sum(total_events)) AS events
FROM ${database}.gold_user_activity
WHERE day = '${day}'`;

/** The busiest users of a day; parameter `limit`. */
export const dayRows = (database: string, day: Day): string => `
SELECT toString(user_id) AS user_id, full_name, email, user_is_deleted, toString(total_events) AS total_events,
       replaceOne(toString(gold.first_event_at), ' ', 'T') || 'Z' AS first_event_at,
       replaceOne(toString(gold.last_event_at), ' ', 'T') || 'Z' AS last_event_at,
       events_by_type
FROM ${database}.gold_user_activity AS gold
WHERE day = '${day}'
ORDER BY gold.total_events DESC, gold.user_id
LIMIT {limit:UInt32}`;
