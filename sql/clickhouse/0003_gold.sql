-- Gold: what each user did on a day, and the record of every computation. Written by the workflow goldDay only, one whole
-- partition at a time.

-- Holds nothing that depends on the run: two runs over the same silver give the same rows.
CREATE TABLE IF NOT EXISTS ${database}.gold_user_activity ${on_cluster}
(
    day Date,
    user_id Int64,
    full_name String COMMENT 'as of the run',
    email String COMMENT 'as of the run',
    user_is_deleted UInt8 COMMENT 'as of the run',
    total_events UInt64,
    first_event_at DateTime64(3, 'UTC'),
    last_event_at DateTime64(3, 'UTC'),
    events_by_type Map(LowCardinality(String), UInt64) COMMENT 'sorted by type'
)
ENGINE = ${Replicated}MergeTree
PARTITION BY day
ORDER BY (day, user_id);

-- One row per attempt at a day. A later stage of an attempt replaces an earlier one: running, then abandoned (its worker
-- went away and another attempt began), then what it came to.
CREATE TABLE IF NOT EXISTS ${database}.ops_gold_runs ${on_cluster}
(
    day Date,
    run_id String COMMENT 'of the Temporal workflow',
    attempt UInt32,
    status Enum8('running' = 1, 'abandoned' = 2, 'failed' = 3, 'complete' = 4),
    requested_by String,
    code_version String,
    forced UInt8,
    is_final UInt8 COMMENT 'the day was over and silver held everything of it that the sources had; 0 only when forced',
    rows_read UInt64 COMMENT 'by the SELECT, users and events',
    rows_written UInt64 COMMENT 'rows of gold',
    events UInt64 COMMENT 'counted in gold',
    unknown_users UInt64 COMMENT 'user ids of events that silver_users does not hold',
    unknown_events UInt64 COMMENT 'events of those, and events without a user id; not in gold',
    positions Map(String, Map(Int32, UInt64)) COMMENT 'topic, partition: silver held every message below this offset before it was read',
    started_at DateTime64(3, 'UTC'),
    finished_at Nullable(DateTime64(3, 'UTC')),
    duration_ms UInt64,
    error_code LowCardinality(String),
    stage UInt8 MATERIALIZED CAST(status, 'UInt8')
)
ENGINE = ${Replicated}ReplacingMergeTree(stage)
ORDER BY (day, run_id, attempt);

-- A day's rows of gold, and a row of zeros for every other live user:
-- SELECT * FROM gold_user_activity_with_zeros(day = '2026-11-20')
CREATE VIEW IF NOT EXISTS ${database}.gold_user_activity_with_zeros ${on_cluster} AS
SELECT day, user_id, full_name, email, user_is_deleted, total_events,
       toNullable(first_event_at) AS first_event_at, toNullable(last_event_at) AS last_event_at, events_by_type
FROM ${database}.gold_user_activity
WHERE day = {day:Date}
UNION ALL
SELECT {day:Date} AS day, user_id, full_name, email, toUInt8(0), toUInt64(0), NULL, NULL,
       CAST(map(), 'Map(LowCardinality(String), UInt64)')
FROM ${database}.users
WHERE user_id NOT IN (SELECT user_id FROM ${database}.gold_user_activity WHERE day = {day:Date});
