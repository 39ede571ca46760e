-- Cleaned logins, and what cleanLogins sees of them across partitions: windows, alerts, and the identity of every partition.

CREATE TABLE IF NOT EXISTS ${database}.kafka_login_insights ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'user-login.insights',
         kafka_group_name = '${kafka_group_prefix}.kafka_login_insights',
         kafka_format = 'RawBLOB',
         kafka_max_block_size = 65536,
         kafka_poll_timeout_ms = 100,
         kafka_flush_interval_ms = 500;

CREATE TABLE IF NOT EXISTS ${database}.kafka_clean_logins ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'user-login.clean',
         kafka_group_name = '${kafka_group_prefix}.kafka_clean_logins',
         kafka_format = 'RawBLOB',
         kafka_max_block_size = 65536,
         kafka_poll_timeout_ms = 100,
         kafka_flush_interval_ms = 500;

-- One row per job, window and value of a dimension; the newest result wins. A key stays in one partition, so its offsets grow.
CREATE TABLE IF NOT EXISTS ${database}.login_window_results ${on_cluster}
(
    job LowCardinality(String),
    start DateTime('UTC') COMMENT 'included',
    end DateTime('UTC') COMMENT 'excluded',
    dimension LowCardinality(String) COMMENT 'all, device_type, app_version, locale',
    value LowCardinality(String) COMMENT 'of the dimension; empty for all',
    logins UInt64,
    users UInt64,
    error Float64 COMMENT 'relative standard error of users; 0: exact',
    status LowCardinality(String) COMMENT 'provisional, final, revised',
    revision UInt32,
    emitted_at DateTime64(3, 'UTC'),
    offset UInt64 COMMENT 'in user-login.insights'
)
ENGINE = ${Replicated}ReplacingMergeTree(offset)
ORDER BY (job, start, dimension, value);

CREATE TABLE IF NOT EXISTS ${database}.login_alert_results ${on_cluster}
(
    job LowCardinality(String),
    start DateTime('UTC'),
    end DateTime('UTC'),
    alert LowCardinality(String) COMMENT 'SHARED_DEVICE, DEVICE_HOPPING, BURST, IMPOSSIBLE_VERSION',
    subject String COMMENT 'a user id, or a device id',
    count UInt64 COMMENT 'users, devices, logins or versions',
    members Array(String) COMMENT 'some of them',
    status LowCardinality(String) COMMENT 'open, closed',
    emitted_at DateTime64(3, 'UTC'),
    offset UInt64
)
ENGINE = ${Replicated}ReplacingMergeTree(offset)
ORDER BY (job, start, alert, subject);

-- read = clean + dlq + filtered, of the messages of [start_offset, next_offset) of a source partition.
CREATE TABLE IF NOT EXISTS ${database}.login_identity_results ${on_cluster}
(
    job LowCardinality(String),
    partition Int32,
    start_offset UInt64,
    next_offset UInt64,
    read UInt64,
    clean UInt64,
    dlq UInt64,
    filtered UInt64,
    dlq_reasons Map(String, UInt64),
    filtered_reasons Map(String, UInt64),
    emitted_at DateTime64(3, 'UTC'),
    offset UInt64
)
ENGINE = ${Replicated}ReplacingMergeTree(offset)
ORDER BY (job, partition);

-- The records of user-login.clean, by where their messages came from: a redriven one as well.
CREATE TABLE IF NOT EXISTS ${database}.clean_login_records ${on_cluster}
(
    ts DateTime64(3, 'UTC'),
    user_id String,
    app_version LowCardinality(String),
    device_type LowCardinality(String),
    ip String COMMENT 'without its host part',
    locale LowCardinality(String),
    device_id String,
    source_partition Int32,
    source_offset UInt64
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (ts, source_partition, source_offset);

CREATE VIEW IF NOT EXISTS ${database}.login_insights ${on_cluster} AS
SELECT job, start, end, dimension, value, logins, users, error, status, revision, emitted_at
FROM ${database}.login_window_results FINAL;

CREATE VIEW IF NOT EXISTS ${database}.login_alerts ${on_cluster} AS
SELECT job, start, end, alert, subject, count, members, status, emitted_at
FROM ${database}.login_alert_results FINAL;

CREATE VIEW IF NOT EXISTS ${database}.login_identity ${on_cluster} AS
SELECT job, partition, start_offset, next_offset, read, clean, dlq, filtered, dlq_reasons, filtered_reasons,
       read = clean + dlq + filtered
           AND dlq = arraySum(mapValues(dlq_reasons)) AND filtered = arraySum(mapValues(filtered_reasons))
           AND read <= next_offset - start_offset AS holds,
       emitted_at
FROM ${database}.login_identity_results FINAL;

CREATE VIEW IF NOT EXISTS ${database}.clean_logins ${on_cluster} AS
SELECT ts, user_id, app_version, device_type, ip, locale, device_id, source_partition, source_offset
FROM ${database}.clean_login_records FINAL;

-- Last, so that nothing is consumed before every table behind it is there; nothing in here throws.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_login_windows ${on_cluster} TO ${database}.login_window_results AS
WITH JSONExtract(raw, 'Tuple(kind String, start String, end String, dimension String, value String, logins UInt64, users UInt64, error Float64, status String, revision UInt32, emittedAt String)') AS insight,
     parseDateTimeBestEffortOrNull(insight.start, 'UTC') AS start_or_null
SELECT _headers.value[indexOf(_headers.name, 'tidemark.job')] AS job,
       assumeNotNull(start_or_null) AS start,
       ifNull(parseDateTimeBestEffortOrNull(insight.end, 'UTC'), toDateTime(0, 'UTC')) AS end,
       insight.dimension AS dimension, insight.value AS value, insight.logins AS logins, insight.users AS users,
       insight.error AS error, insight.status AS status, insight.revision AS revision,
       ifNull(parseDateTime64BestEffortOrNull(insight.emittedAt, 3, 'UTC'), toDateTime64(0, 3, 'UTC')) AS emitted_at,
       _offset AS offset
FROM ${database}.kafka_login_insights
WHERE insight.kind = 'window' AND start_or_null IS NOT NULL;

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_login_alerts ${on_cluster} TO ${database}.login_alert_results AS
WITH JSONExtract(raw, 'Tuple(kind String, start String, end String, alert String, subject String, count UInt64, members Array(String), status String, emittedAt String)') AS insight,
     parseDateTimeBestEffortOrNull(insight.start, 'UTC') AS start_or_null
SELECT _headers.value[indexOf(_headers.name, 'tidemark.job')] AS job,
       assumeNotNull(start_or_null) AS start,
       ifNull(parseDateTimeBestEffortOrNull(insight.end, 'UTC'), toDateTime(0, 'UTC')) AS end,
       insight.alert AS alert, insight.subject AS subject, insight.count AS count, insight.members AS members,
       insight.status AS status,
       ifNull(parseDateTime64BestEffortOrNull(insight.emittedAt, 3, 'UTC'), toDateTime64(0, 3, 'UTC')) AS emitted_at,
       _offset AS offset
FROM ${database}.kafka_login_insights
WHERE insight.kind = 'alert' AND start_or_null IS NOT NULL;

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_login_identity ${on_cluster} TO ${database}.login_identity_results AS
WITH JSONExtract(raw, 'Tuple(kind String, partition Int32, startOffset UInt64, offset UInt64, read UInt64, clean UInt64, dlq UInt64, filtered UInt64, dlqReasons Map(String, UInt64), filteredReasons Map(String, UInt64), emittedAt String)') AS insight
SELECT _headers.value[indexOf(_headers.name, 'tidemark.job')] AS job,
       insight.partition AS partition, insight.startOffset AS start_offset, insight.offset AS next_offset,
       insight.read AS read, insight.clean AS clean, insight.dlq AS dlq, insight.filtered AS filtered,
       insight.dlqReasons AS dlq_reasons, insight.filteredReasons AS filtered_reasons,
       ifNull(parseDateTime64BestEffortOrNull(insight.emittedAt, 3, 'UTC'), toDateTime64(0, 3, 'UTC')) AS emitted_at,
       _offset AS offset
FROM ${database}.kafka_login_insights
WHERE insight.kind = 'identity';

-- The header `tidemark` is src/core/provenance.ts: after version and topic id the partition in 4 bytes and the offset in 8, big-endian.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_clean_logins ${on_cluster} TO ${database}.clean_login_records AS
WITH JSONExtract(raw, 'Tuple(user_id String, app_version String, device_type String, ip String, locale String, device_id String, ts String)') AS login,
     parseDateTime64BestEffortOrNull(login.ts, 3, 'UTC') AS ts_or_null,
     _headers.value[indexOf(_headers.name, 'tidemark')] AS origin
SELECT assumeNotNull(ts_or_null) AS ts, login.user_id AS user_id, login.app_version AS app_version,
       login.device_type AS device_type, login.ip AS ip, login.locale AS locale, login.device_id AS device_id,
       reinterpretAsInt32(reverse(substring(origin, 18, 4))) AS source_partition,
       reinterpretAsUInt64(reverse(substring(origin, 22, 8))) AS source_offset
FROM ${database}.kafka_clean_logins
WHERE ts_or_null IS NOT NULL;
