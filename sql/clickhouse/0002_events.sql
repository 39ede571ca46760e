-- Events: Kafka -> parsed_events (a Null table that routes) -> bronze_events | bronze_errors, silver_events.

CREATE TABLE IF NOT EXISTS ${database}.kafka_events ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'mongo.commerce.events',
         kafka_group_name = '${kafka_group_prefix}.kafka_events',
         kafka_format = 'RawBLOB',
         kafka_max_block_size = 65536,
         kafka_poll_timeout_ms = 100,
         kafka_flush_interval_ms = 500;

-- One row per message, parsed once; `old_...` is the pre-image. See parsed_users.
CREATE TABLE IF NOT EXISTS ${database}.parsed_events ${on_cluster}
(
    topic LowCardinality(String),
    partition Int32,
    offset UInt64,
    kafka_time DateTime64(3, 'UTC'),
    key String,
    raw String,
    reason LowCardinality(String),
    op LowCardinality(String),
    version UInt128 COMMENT '(epoch 15 bits, streaming after snapshot 1 bit, cluster time seconds 32 bits, ord 32 bits, Kafka offset 48 bits): writes of one transaction share ord',
    source_time DateTime64(3, 'UTC'),
    event_id String COMMENT 'extended JSON of _id',
    day Nullable(Date) COMMENT 'NULL when the message carries no document, or one without a usable ts',
    user_id Nullable(Int64),
    event_type LowCardinality(String),
    ts Nullable(DateTime64(3, 'UTC')),
    payload String,
    old_day Nullable(Date),
    old_user_id Nullable(Int64),
    old_event_type LowCardinality(String),
    old_ts Nullable(DateTime64(3, 'UTC')),
    old_payload String
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS ${database}.bronze_events ${on_cluster}
(
    topic LowCardinality(String),
    partition Int32,
    offset UInt64,
    kafka_time DateTime64(3, 'UTC'),
    key String,
    raw String CODEC(ZSTD(1)),
    op LowCardinality(String),
    version UInt128,
    source_time DateTime64(3, 'UTC'),
    event_id String,
    day Nullable(Date),
    old_day Nullable(Date),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (topic, partition, offset);

-- One row per day and event; the newest source position wins. An event that moved to another day or was deleted leaves
-- a flagged row under the day it was on, so that reading one day reads that day only and is still right.
CREATE TABLE IF NOT EXISTS ${database}.silver_events ${on_cluster}
(
    day Date,
    event_id String,
    user_id Nullable(Int64),
    event_type LowCardinality(String),
    ts DateTime64(3, 'UTC'),
    payload String CODEC(ZSTD(1)),
    is_deleted UInt8 COMMENT '1: not on this day any more (deleted, or moved when deleted_at is NULL)',
    deleted_at Nullable(DateTime64(3, 'UTC')),
    version UInt128,
    source_time DateTime64(3, 'UTC'),
    partition Int32 COMMENT 'Kafka position of the message that made this row',
    offset UInt64,
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${Replicated}ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (day, event_id);

-- What a reader of silver sees: the events that exist at the source now. An identity never leaves its partition, so
-- FINAL need not merge across partitions.
CREATE VIEW IF NOT EXISTS ${database}.events ${on_cluster} AS
SELECT day, event_id, user_id, event_type, ts, payload
FROM ${database}.silver_events FINAL
WHERE NOT is_deleted AND NOT startsWith(event_id, '${canary_event_prefix}')
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_bronze_events ${on_cluster} TO ${database}.bronze_events AS
SELECT topic, partition, offset, kafka_time, key, raw, op, version, source_time, event_id, day, old_day
FROM ${database}.parsed_events
WHERE reason = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_bronze_errors_from_events ${on_cluster} TO ${database}.bronze_errors AS
SELECT topic, partition, offset, kafka_time, reason, raw
FROM ${database}.parsed_events
WHERE reason != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_silver_events ${on_cluster} TO ${database}.silver_events AS
SELECT assumeNotNull(parsed.day) AS day, event_id, user_id, event_type, assumeNotNull(parsed.ts) AS ts, payload,
       toUInt8(0) AS is_deleted, CAST(NULL, 'Nullable(DateTime64(3, \'UTC\'))') AS deleted_at,
       version, source_time, partition, offset
FROM ${database}.parsed_events AS parsed
WHERE reason = '' AND parsed.day IS NOT NULL;

-- The day an event was on and is not any more: it was deleted, moved, or lost its usable ts (then it is in
-- bronze_errors, too).
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_silver_events_left ${on_cluster} TO ${database}.silver_events AS
SELECT assumeNotNull(old_day) AS day, event_id, old_user_id AS user_id, old_event_type AS event_type,
       assumeNotNull(old_ts) AS ts, old_payload AS payload,
       toUInt8(1) AS is_deleted, if(op = 'd', source_time, NULL) AS deleted_at,
       version, source_time, partition, offset
FROM ${database}.parsed_events AS parsed
WHERE op IN ('u', 'd') AND version > 0 AND event_id != ''
  AND old_day IS NOT NULL AND (parsed.day IS NULL OR parsed.day != old_day);

-- Last, so that nothing is consumed before every table behind it is there; nothing in here throws (see parse_users).
-- Documents are strings of extended JSON: {"$date": ms | ISO text | {"$numberLong": ms}}, integers as 5 or {"$numberLong": "5"}.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.parse_events ${on_cluster} TO ${database}.parsed_events AS
WITH JSONExtract(raw, 'Tuple(op Nullable(String), before Nullable(String), after Nullable(String), source Tuple(ts_ms Nullable(Int64), ord Nullable(Int64)))') AS message,
     'Tuple(user_id Nullable(String), event_type Nullable(String), ts Tuple(`$date` Nullable(String)), payload Nullable(String))' AS document_type,
     ifNull(message.op, '') AS operation,
     ifNull(message.after, '') AS after,
     ifNull(message.before, '') AS before,
     JSONExtract(after, document_type) AS new,
     JSONExtract(before, document_type) AS old,
     document -> toInt64OrNull(if(startsWith(ifNull(document, ''), '{'), JSONExtractString(ifNull(document, ''), '$numberLong'), document)) AS integer_of,
     date -> if(integer_of(date) IS NOT NULL, fromUnixTimestamp64Milli(assumeNotNull(integer_of(date)), 'UTC'), parseDateTime64BestEffortOrNull(date, 3, 'UTC')) AS time_of,
     -- The days that a Date and a year of four digits can hold.
     time -> if(time >= toDateTime64('1970-01-01 00:00:00', 3, 'UTC') AND time < toDateTime64('2149-06-06 00:00:00', 3, 'UTC'), toDate(time), NULL) AS day_of,
     JSONExtractString(_key, 'id') AS id,
     toUInt32OrZero(_headers.value[indexOf(_headers.name, 'tidemark.epoch')]) AS stream_epoch,
     -- A snapshot row has a reading time of Debezium's and ord -1: it ranks below every streamed change of its epoch. Of
     -- a streamed one ts_ms is the second of cluster time, which `ord` counts within: infra/connect/mongo.json takes the
     -- wall time out of the change stream, which Debezium would give instead.
     bitShiftLeft(toUInt128(stream_epoch), 113) + bitShiftLeft(toUInt128(operation != 'r'), 112)
       + bitShiftLeft(toUInt128(toUInt32(intDiv(ifNull(message.source.ts_ms, 0), 1000))), 80)
       + bitShiftLeft(toUInt128(toUInt32(greatest(ifNull(message.source.ord, 0), 0))), 48) + _offset AS position
SELECT _topic AS topic,
       toInt32(_partition) AS partition,
       _offset AS offset,
       ifNull(_timestamp_ms, toDateTime64(0, 3, 'UTC')) AS kafka_time,
       _key AS key,
       raw,
       multiIf(NOT isValidJSON(raw), 'not JSON',
               operation NOT IN ('c', 'u', 'd', 'r'), 'not a change event: op is missing or unknown',
               message.source.ts_ms IS NULL OR message.source.ord IS NULL, 'no source position: source.ts_ms or source.ord is missing',
               stream_epoch = 0, 'no epoch: header tidemark.epoch is missing',
               id = '', 'no identity: the key has no id',
               after = '' AND operation IN ('c', 'r'), 'no document: after is missing',
               after != '' AND NOT isValidJSON(after), 'document is not JSON',
               after != '' AND day_of(time_of(new.ts.`$date`)) IS NULL, 'no event time: ts is missing, not a date or out of range',
               '') AS reason,
       operation AS op,
       if(message.source.ts_ms IS NULL OR message.source.ord IS NULL OR stream_epoch = 0, toUInt128(0), position) AS version,
       fromUnixTimestamp64Milli(ifNull(message.source.ts_ms, 0), 'UTC') AS source_time,
       id AS event_id,
       day_of(time_of(new.ts.`$date`)) AS day,
       integer_of(new.user_id) AS user_id,
       ifNull(new.event_type, '') AS event_type,
       time_of(new.ts.`$date`) AS ts,
       ifNull(new.payload, '') AS payload,
       day_of(time_of(old.ts.`$date`)) AS old_day,
       integer_of(old.user_id) AS old_user_id,
       ifNull(old.event_type, '') AS old_event_type,
       time_of(old.ts.`$date`) AS old_ts,
       ifNull(old.payload, '') AS old_payload
FROM ${database}.kafka_events;
