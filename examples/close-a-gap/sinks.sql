-- Both topics of the example in one table: the Kafka engine reads, a view parses. ${...} is filled in by `tidemark sql`.

CREATE TABLE IF NOT EXISTS ${database}.kafka_interactions ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'interactions,interactions.b',
         kafka_group_name = '${kafka_group_prefix}.kafka_interactions',
         kafka_format = 'RawBLOB',
         kafka_poll_timeout_ms = 100,
         kafka_flush_interval_ms = 500;

-- The engine is at-least-once: a row that arrives twice has the same key. Values of records that are malformed are null.
CREATE TABLE IF NOT EXISTS ${database}.interactions ${on_cluster}
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    recorded_at DateTime64(3, 'UTC') COMMENT 'timestamp of the record',
    interaction_id Nullable(String),
    user_id Nullable(UInt64),
    type LowCardinality(Nullable(String)),
    origin_partition Nullable(Int32) COMMENT 'where a replay has copied it from',
    origin_offset Nullable(Int64),
    raw String
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (topic, partition, offset);

-- The header `tidemark`: version (1 byte), topic id (16), partition (4), offset (8, both big-endian), job.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.interactions_view ${on_cluster} TO ${database}.interactions AS
WITH _headers.value[indexOf(_headers.name, 'tidemark')] AS origin,
     length(origin) >= 29 AS is_copy
SELECT _topic AS topic,
       _partition AS partition,
       _offset AS offset,
       assumeNotNull(_timestamp_ms) AS recorded_at,
       JSONExtract(raw, 'interaction_id', 'Nullable(String)') AS interaction_id,
       JSONExtract(raw, 'user_id', 'Nullable(UInt64)') AS user_id,
       JSONExtract(raw, 'type', 'Nullable(String)') AS type,
       if(is_copy, reinterpretAsInt32(reverse(substring(origin, 18, 4))), NULL) AS origin_partition,
       if(is_copy, reinterpretAsInt64(reverse(substring(origin, 22, 8))), NULL) AS origin_offset,
       raw
FROM ${database}.kafka_interactions;
