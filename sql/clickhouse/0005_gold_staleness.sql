-- Whether a day changed since its last run is read from these, and not from the day's events: small, however large the day.

-- How far silver has come with each day. A maximum: what is delivered again changes nothing. Rows of partition -1 came
-- from no message (a new snapshot's cut); the time when they were written orders them and the runs.
CREATE TABLE IF NOT EXISTS ${database}.silver_event_days ${on_cluster}
(
    day Date,
    partition Int32,
    last_offset SimpleAggregateFunction(max, UInt64),
    last_ingested_at SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = ${Replicated}AggregatingMergeTree
ORDER BY (day, partition);

-- The canary is none of gold's business.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_silver_event_days ${on_cluster} TO ${database}.silver_event_days AS
SELECT day, partition, max(offset) AS last_offset, max(ingested_at) AS last_ingested_at
FROM ${database}.silver_events
WHERE NOT startsWith(event_id, '${canary_event_prefix}') AND NOT (user_id <=> ${canary_user_id})
GROUP BY day, partition;

-- What was there before the view.
INSERT INTO ${database}.silver_event_days
SELECT day, partition, max(offset), max(ingested_at)
FROM ${database}.silver_events
WHERE NOT startsWith(event_id, '${canary_event_prefix}') AND NOT (user_id <=> ${canary_user_id})
GROUP BY day, partition;

-- Whose events a run could not count, as silver_users did not hold them then: once it does, the day is stale.
CREATE TABLE IF NOT EXISTS ${database}.ops_gold_unknown_users ${on_cluster}
(
    day Date,
    run_id String,
    attempt UInt32,
    user_id Int64
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (day, run_id, attempt, user_id);
