/**
 * What the tables say of the days of `[from, to]`, a small query for each thing; parameters `from` and `to` (Date). None
 * reads an event.
 */

/** Days as strings, for those who answer in JSON. */
const OF_RANGE = 'BETWEEN {from:Date} AND {to:Date}';

/** Per day the last run that completed: the one whose rows gold holds. */
export const standingRuns = (database: string, eventsTopic: string): string => `
SELECT toString(day) AS day, run_id AS runId, attempt, CAST(is_final, 'Bool') AS isFinal, toString(rows_written) AS rowsWritten,
       code_version AS codeVersion, toFloat64(toUnixTimestamp64Milli(started_at)) AS startedAtMs,
       positions['${eventsTopic}'] AS eventsRead
FROM ${database}.ops_gold_runs AS runs FINAL
WHERE runs.day ${OF_RANGE} AND status = 'complete'
ORDER BY day, finished_at DESC, attempt DESC
LIMIT 1 BY day`;

/** Per day the attempt under way, else the one that ended last. */
export const lastAttempts = (database: string): string => `
SELECT toString(day) AS day, toString(status) AS status, error_code AS errorCode,
       toFloat64(toUnixTimestamp64Milli(started_at)) AS startedAtMs
FROM ${database}.ops_gold_runs AS runs FINAL
WHERE runs.day ${OF_RANGE}
ORDER BY day, finished_at IS NULL DESC, finished_at DESC, stage DESC
LIMIT 1 BY day`;

export const rowsOfDays = (database: string): string => `
SELECT toString(gold.day) AS day, toString(count()) AS rows
FROM ${database}.gold_user_activity AS gold
WHERE gold.day ${OF_RANGE}
GROUP BY gold.day`;

/** Per day and partition: SilverReach. */
export const silverReach = (database: string): string => `
SELECT toString(reached.day) AS day, partition, toString(max(last_offset)) AS lastOffset,
       toFloat64(toUnixTimestamp64Milli(max(last_ingested_at))) AS lastIngestedAtMs
FROM ${database}.silver_event_days AS reached
WHERE reached.day ${OF_RANGE}
GROUP BY reached.day, partition`;

/** Per day and attempt: users it did not know and who are known now. */
export const usersBecomeKnown = (database: string): string => `
SELECT toString(strangers.day) AS day, run_id AS runId, attempt, toFloat64(uniqExact(user_id)) AS users
FROM ${database}.ops_gold_unknown_users AS strangers
WHERE strangers.day ${OF_RANGE} AND user_id IN (SELECT user_id FROM ${database}.silver_users)
GROUP BY strangers.day, run_id, attempt`;

/** Per day: rows of gold that show a user as he is not any more. Reads gold and the users. */
export const usersChanged = (database: string): string => `
SELECT toString(gold.day) AS day, toFloat64(count()) AS users
FROM ${database}.gold_user_activity AS gold
INNER JOIN ${database}.users_with_deleted AS known ON known.user_id = gold.user_id
WHERE gold.day ${OF_RANGE}
  AND (gold.full_name != known.full_name OR gold.email != known.email OR gold.user_is_deleted != known.is_deleted)
GROUP BY gold.day`;

/** Keeps whose events an attempt could not count; parameters `runId`, `attempt`. */
export const recordUnknownUsers = (
  database: string,
  staging: string,
  day: string,
  unknownUserDay: string,
): string => `
INSERT INTO ${database}.ops_gold_unknown_users (day, run_id, attempt, user_id)
SELECT '${day}', {runId:String}, {attempt:UInt32}, user_id
FROM ${database}.${staging} AS staging
WHERE staging.day = '${unknownUserDay}'`;
