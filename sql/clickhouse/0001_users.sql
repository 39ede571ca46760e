-- Users: Kafka -> parsed_users (a Null table that routes) -> bronze_users | bronze_errors, silver_users, silver_users_cuts.
-- The Kafka engine is at-least-once: every table after it is keyed by an identity, so that redelivery changes nothing.

CREATE TABLE IF NOT EXISTS ${database}.kafka_users ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'postgres.public.users',
         kafka_group_name = '${kafka_group_prefix}.kafka_users',
         kafka_format = 'RawBLOB',
         kafka_max_block_size = 65536,
         kafka_poll_timeout_ms = 100,
         kafka_flush_interval_ms = 500;

-- One row per message, parsed once. `reason` is empty for a good message; every view below picks by it, so that a
-- message lands in exactly one of bronze_users and bronze_errors. A repair inserts its rows here, too.
CREATE TABLE IF NOT EXISTS ${database}.parsed_users ${on_cluster}
(
    topic LowCardinality(String),
    partition Int32,
    offset UInt64,
    kafka_time DateTime64(3, 'UTC'),
    key String,
    raw String,
    reason LowCardinality(String),
    op LowCardinality(String),
    epoch UInt32 COMMENT 'raised whenever the replication slot is created anew',
    lsn UInt64,
    version UInt128 COMMENT '(epoch 32 bits, streaming after snapshot 32 bits, lsn 64 bits)',
    source_time DateTime64(3, 'UTC') COMMENT 'commit time at the source',
    user_id Int64,
    full_name String,
    email String,
    created_at Nullable(DateTime64(6, 'UTC')),
    updated_at Nullable(DateTime64(6, 'UTC'))
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS ${database}.bronze_users ${on_cluster}
(
    topic LowCardinality(String),
    partition Int32,
    offset UInt64,
    kafka_time DateTime64(3, 'UTC'),
    key String,
    raw String CODEC(ZSTD(1)),
    op LowCardinality(String),
    epoch UInt32,
    lsn UInt64,
    version UInt128,
    source_time DateTime64(3, 'UTC'),
    user_id Int64,
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (topic, partition, offset);

CREATE TABLE IF NOT EXISTS ${database}.bronze_errors ${on_cluster}
(
    topic LowCardinality(String),
    partition Int32,
    offset UInt64,
    kafka_time DateTime64(3, 'UTC'),
    reason LowCardinality(String) COMMENT 'what is wrong with the message; never a value of it',
    raw String COMMENT 'the bytes as they came; ordinary readers may not select this column' CODEC(ZSTD(1)),
    raw_bytes UInt64 MATERIALIZED length(raw),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (topic, partition, offset);

-- One row per user; the newest source position wins. A delete is a row like any other: no merge removes it.
CREATE TABLE IF NOT EXISTS ${database}.silver_users ${on_cluster}
(
    user_id Int64,
    full_name String,
    email String,
    created_at Nullable(DateTime64(6, 'UTC')),
    updated_at Nullable(DateTime64(6, 'UTC')),
    is_deleted UInt8,
    deleted_at Nullable(DateTime64(3, 'UTC')),
    version UInt128,
    source_time DateTime64(3, 'UTC'),
    partition Int32 COMMENT 'Kafka position of the message that made this row',
    offset UInt64,
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${Replicated}ReplacingMergeTree(version)
ORDER BY user_id;

-- A cut: every user whose version ranks below it is deleted. A TRUNCATE makes one, and so does a new snapshot once it
-- is complete: what it did not show is gone at the source. Cuts apply when silver is read, so that no order of
-- arrival within a block can miss a row.
CREATE TABLE IF NOT EXISTS ${database}.silver_users_cuts ${on_cluster}
(
    version UInt128,
    cut_at DateTime64(3, 'UTC'),
    reason LowCardinality(String),
    partition Int32,
    offset UInt64
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY version;

-- One row per user, deleted ones flagged.
CREATE VIEW IF NOT EXISTS ${database}.users_with_deleted ${on_cluster} AS
WITH (SELECT arraySort(groupUniqArray((version, cut_at))) FROM ${database}.silver_users_cuts) AS cuts,
     arrayFirst(cut -> cut.1 > silver.version, cuts) AS cut
SELECT silver.user_id AS user_id,
       silver.full_name AS full_name,
       silver.email AS email,
       silver.created_at AS created_at,
       silver.updated_at AS updated_at,
       toUInt8(silver.is_deleted OR cut.1 > 0) AS is_deleted,
       if(silver.is_deleted, silver.deleted_at, if(cut.1 > 0, cut.2, NULL)) AS deleted_at,
       silver.version AS version,
       silver.source_time AS source_time,
       silver.partition AS partition,
       silver.offset AS offset,
       silver.ingested_at AS ingested_at
FROM ${database}.silver_users AS silver FINAL;

-- What a reader of silver sees: the rows that exist at the source now.
CREATE VIEW IF NOT EXISTS ${database}.users ${on_cluster} AS
SELECT user_id, full_name, email, created_at, updated_at
FROM ${database}.users_with_deleted
WHERE NOT is_deleted AND user_id != ${canary_user_id};

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_bronze_users ${on_cluster} TO ${database}.bronze_users AS
SELECT topic, partition, offset, kafka_time, key, raw, op, epoch, lsn, version, source_time, user_id
FROM ${database}.parsed_users
WHERE reason = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_bronze_errors_from_users ${on_cluster} TO ${database}.bronze_errors AS
SELECT topic, partition, offset, kafka_time, reason, raw
FROM ${database}.parsed_users
WHERE reason != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_silver_users ${on_cluster} TO ${database}.silver_users AS
SELECT user_id, full_name, email, created_at, updated_at,
       toUInt8(op = 'd') AS is_deleted,
       if(op = 'd', source_time, NULL) AS deleted_at,
       version, source_time, partition, offset
FROM ${database}.parsed_users
WHERE reason = '' AND op IN ('c', 'u', 'r', 'd');

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_silver_users_cuts ${on_cluster} TO ${database}.silver_users_cuts AS
SELECT version, source_time AS cut_at, 'truncate' AS reason, partition, offset
FROM ${database}.parsed_users AS parsed
WHERE parsed.reason = '' AND op = 't';

-- Last, so that nothing is consumed before every table behind it is there. Nothing in here throws: JSONExtract gives
-- NULL for what is missing or of another type, and every conversion is an ...OrNull or ...OrZero.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.parse_users ${on_cluster} TO ${database}.parsed_users AS
WITH JSONExtract(raw, 'Tuple(
        op Nullable(String),
        source Tuple(lsn Nullable(UInt64), ts_ms Nullable(Int64)),
        before Tuple(user_id Nullable(Int64), full_name Nullable(String), email Nullable(String), created_at Nullable(String), updated_at Nullable(String)),
        after Tuple(user_id Nullable(Int64), full_name Nullable(String), email Nullable(String), created_at Nullable(String), updated_at Nullable(String)))') AS message,
     ifNull(message.op, '') AS operation,
     toUInt32OrZero(_headers.value[indexOf(_headers.name, 'tidemark.epoch')]) AS slot_epoch,
     if(operation = 'd', message.before, message.after) AS state,
     -- Debezium's placeholder for a large value that an update did not touch; REPLICA IDENTITY FULL has it in `before`.
     '__debezium_unavailable_value' AS untouched
SELECT _topic AS topic,
       toInt32(_partition) AS partition,
       _offset AS offset,
       ifNull(_timestamp_ms, toDateTime64(0, 3, 'UTC')) AS kafka_time,
       _key AS key,
       raw,
       multiIf(NOT isValidJSON(raw), 'not JSON',
               operation NOT IN ('c', 'u', 'd', 'r', 't'), 'not a change event: op is missing or unknown',
               message.source.lsn IS NULL, 'no source position: source.lsn is missing',
               slot_epoch = 0, 'no epoch: header tidemark.epoch is missing',
               operation != 't' AND state.user_id IS NULL, 'no identity: user_id is missing or not an integer',
               '') AS reason,
       operation AS op,
       slot_epoch AS epoch,
       ifNull(message.source.lsn, 0) AS lsn,
       bitShiftLeft(toUInt128(slot_epoch), 96) + bitShiftLeft(toUInt128(operation != 'r'), 64) + ifNull(message.source.lsn, 0) AS version,
       fromUnixTimestamp64Milli(ifNull(message.source.ts_ms, 0), 'UTC') AS source_time,
       ifNull(state.user_id, 0) AS user_id,
       ifNull(if(state.full_name = untouched, message.before.full_name, state.full_name), '') AS full_name,
       ifNull(if(state.email = untouched, message.before.email, state.email), '') AS email,
       parseDateTime64BestEffortOrNull(state.created_at, 6, 'UTC') AS created_at,
       parseDateTime64BestEffortOrNull(state.updated_at, 6, 'UTC') AS updated_at
FROM ${database}.kafka_users;
