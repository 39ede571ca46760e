-- Unique users: results and their sketches as countUniqueUsers writes them, and the frames themselves, reduced to time and
-- user, so that every result can be compared with an exact count.

CREATE TABLE IF NOT EXISTS ${database}.kafka_unique_users ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'unique-users',
         kafka_group_name = '${kafka_group_prefix}.kafka_unique_users',
         kafka_format = 'RawBLOB',
         kafka_max_block_size = 65536,
         kafka_poll_timeout_ms = 100,
         kafka_flush_interval_ms = 500;

CREATE TABLE IF NOT EXISTS ${database}.kafka_unique_users_sketches ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'unique-users.sketches',
         kafka_group_name = '${kafka_group_prefix}.kafka_unique_users_sketches',
         kafka_format = 'RawBLOB',
         kafka_max_block_size = 65536,
         kafka_poll_timeout_ms = 100,
         kafka_flush_interval_ms = 500;

CREATE TABLE IF NOT EXISTS ${database}.kafka_frames ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'frames',
         kafka_group_name = '${kafka_group_prefix}.kafka_frames',
         kafka_format = 'RawBLOB',
         kafka_max_block_size = 65536,
         kafka_poll_timeout_ms = 100,
         kafka_flush_interval_ms = 500;

CREATE TABLE IF NOT EXISTS ${database}.kafka_frames_quarantine ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'frames.quarantine',
         kafka_group_name = '${kafka_group_prefix}.kafka_frames_quarantine',
         kafka_format = 'RawBLOB',
         kafka_max_block_size = 65536,
         kafka_poll_timeout_ms = 100,
         kafka_flush_interval_ms = 500;

-- One row per job, window and counted field; the newest result wins. A key stays in one partition, so its offsets grow.
CREATE TABLE IF NOT EXISTS ${database}.unique_users_results ${on_cluster}
(
    job LowCardinality(String),
    window LowCardinality(String) COMMENT 'minute, hour, day, week, month, year (UTC)',
    start DateTime('UTC') COMMENT 'included',
    end DateTime('UTC') COMMENT 'excluded',
    field LowCardinality(String) COMMENT 'empty when the job counts one field',
    users UInt64,
    error Float64 COMMENT 'relative standard error; 0: exact',
    frames UInt64,
    status LowCardinality(String) COMMENT 'provisional, final, revised',
    revision UInt32,
    emitted_at DateTime64(3, 'UTC'),
    offset UInt64 COMMENT 'in unique-users'
)
ENGINE = ${Replicated}ReplacingMergeTree(offset)
ORDER BY (job, window, start, field);

CREATE VIEW IF NOT EXISTS ${database}.unique_users ${on_cluster} AS
SELECT job, window, start, end, field, users, error, frames, status, revision, emitted_at
FROM ${database}.unique_users_results FINAL;

-- The state behind a final or revised result, in the bytes of src/core/sketch-codec.ts.
CREATE TABLE IF NOT EXISTS ${database}.unique_users_sketch_bytes ${on_cluster}
(
    job LowCardinality(String),
    window LowCardinality(String),
    start DateTime('UTC'),
    field LowCardinality(String),
    sketch String CODEC(ZSTD(1)),
    offset UInt64
)
ENGINE = ${Replicated}ReplacingMergeTree(offset)
ORDER BY (job, window, start, field);

-- Sketches opened: `hashes` while a count is exact, else `registers`. Both unite, over any windows and jobs of one precision:
--   length(groupUniqArrayArray(hashes)), maxForEach(registers)
CREATE VIEW IF NOT EXISTS ${database}.unique_users_sketches ${on_cluster} AS
WITH substring(sketch, 9) AS body
SELECT job, window, start, field,
       reinterpretAsUInt8(substring(sketch, 7, 1)) AS precision,
       reinterpretAsUInt8(substring(sketch, 8, 1)) = 0 AS is_exact,
       -- Big-endian: the number of hashes in 4 bytes, then 8 bytes each.
       if(is_exact, arrayMap(i -> reinterpretAsUInt64(reverse(substring(body, 8 * i + 5, 8))), range(intDiv(length(body), 8))), []) AS hashes,
       -- Four registers of 6 bits in 3 bytes.
       if(is_exact, [], arrayFlatten(arrayMap(
           word -> [bitAnd(bitShiftRight(word, 18), 63), bitAnd(bitShiftRight(word, 12), 63), bitAnd(bitShiftRight(word, 6), 63), bitAnd(word, 63)],
           arrayMap(i -> reinterpretAsUInt32(reverse(substring(body, 3 * i + 1, 3))), range(intDiv(length(body), 3)))))) AS registers
FROM ${database}.unique_users_sketch_bytes FINAL;

-- What a sketch says, computed here a second time: Ertl 2017, algorithm 6. Left out is its last term (tau), which is zero unless
-- a register is full: 1 in 2^64 hashes fills one.
CREATE VIEW IF NOT EXISTS ${database}.unique_users_estimates ${on_cluster} AS
WITH length(registers) AS m,
     countEqual(registers, 0) / m AS empty,
     empty + arraySum(k -> pow(empty, exp2(k)) * exp2(k - 1), range(1, 64)) AS sigma,
     arraySum(register -> if(register = 0, 0, exp2(-toFloat64(register))), registers) AS z
SELECT job, window, start, field, precision, is_exact,
       if(is_exact, toFloat64(length(hashes)), m * m / (2 * log(2) * (z + m * sigma))) AS users
FROM ${database}.unique_users_sketches;

CREATE TABLE IF NOT EXISTS ${database}.frame_users ${on_cluster}
(
    ts DateTime('UTC'),
    user String,
    partition Int32,
    offset UInt64
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (ts, partition, offset);

CREATE TABLE IF NOT EXISTS ${database}.frames_quarantine ${on_cluster}
(
    reason LowCardinality(String),
    topic LowCardinality(String) COMMENT 'where the frame came from',
    partition Int32,
    offset UInt64,
    kafka_time DateTime64(3, 'UTC')
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (topic, partition, offset);

-- Exact counts of what was counted: every frame that is not in quarantine.
CREATE VIEW IF NOT EXISTS ${database}.unique_users_exact ${on_cluster} AS
SELECT window, start, uniqExact(user) AS users, count() AS frames
FROM
(
    SELECT ts, user
    FROM ${database}.frame_users FINAL
    WHERE (partition, offset) NOT IN (SELECT partition, offset FROM ${database}.frames_quarantine WHERE topic = 'frames')
)
ARRAY JOIN
    ['minute', 'hour', 'day', 'week', 'month', 'year'] AS window,
    [toStartOfMinute(ts), toStartOfHour(ts), toStartOfDay(ts),
     toDateTime(toMonday(ts), 'UTC'), toDateTime(toStartOfMonth(ts), 'UTC'), toDateTime(toStartOfYear(ts), 'UTC')] AS start
GROUP BY window, start;

-- Every result of a job beside its sketch and the exact count: SELECT * FROM unique_users_check(job = 'frames')
CREATE VIEW IF NOT EXISTS ${database}.unique_users_check ${on_cluster} AS
SELECT results.window AS window, results.start AS start, results.status AS status,
       results.users AS users, exact.users AS exact_users, results.frames AS frames, exact.frames AS exact_frames,
       results.error AS error, results.users / exact.users - 1 AS relative_error,
       if(results.error = 0, NULL, relative_error / results.error) AS sigmas,
       estimates.users AS sketch_users,
       abs(estimates.users - results.users) < 1 AS sketch_agrees
FROM (SELECT * FROM ${database}.unique_users WHERE job = {job:String} AND field = '') AS results
LEFT JOIN ${database}.unique_users_exact AS exact ON exact.window = results.window AND exact.start = results.start
LEFT JOIN (SELECT * FROM ${database}.unique_users_estimates WHERE job = {job:String} AND field = '') AS estimates
       ON estimates.window = results.window AND estimates.start = results.start;

-- Last, so that nothing is consumed before every table behind it is there; nothing in here throws.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_unique_users ${on_cluster} TO ${database}.unique_users_results AS
WITH JSONExtract(raw, 'Tuple(window String, start String, end String, field String, users UInt64, error Float64, frames UInt64, status String, revision UInt32, emittedAt String)') AS result,
     parseDateTimeBestEffortOrNull(result.start, 'UTC') AS start_or_null
SELECT _headers.value[indexOf(_headers.name, 'tidemark.job')] AS job,
       result.window AS window,
       assumeNotNull(start_or_null) AS start,
       ifNull(parseDateTimeBestEffortOrNull(result.end, 'UTC'), toDateTime(0, 'UTC')) AS end,
       result.field AS field, result.users AS users, result.error AS error, result.frames AS frames,
       result.status AS status, result.revision AS revision,
       ifNull(parseDateTime64BestEffortOrNull(result.emittedAt, 3, 'UTC'), toDateTime64(0, 3, 'UTC')) AS emitted_at,
       _offset AS offset
FROM ${database}.kafka_unique_users
WHERE start_or_null IS NOT NULL;

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_unique_users_sketches ${on_cluster} TO ${database}.unique_users_sketch_bytes AS
WITH splitByChar('/', _key) AS path,
     parseDateTimeBestEffortOrNull(path[2], 'UTC') AS start_or_null
SELECT _headers.value[indexOf(_headers.name, 'tidemark.job')] AS job,
       path[1] AS window,
       assumeNotNull(start_or_null) AS start,
       substring(_key, length(path[1]) + length(path[2]) + 3) AS field,
       raw AS sketch,
       _offset AS offset
FROM ${database}.kafka_unique_users_sketches
WHERE start_or_null IS NOT NULL AND length(raw) > 12;

-- Frames as the counter reads them by default: `uid` a string or a number, by its text; `ts` likewise, seconds.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_frame_users ${on_cluster} TO ${database}.frame_users AS
WITH toFloat64OrNull(trim(BOTH '"' FROM JSONExtractRaw(raw, 'ts'))) AS seconds,
     JSONType(raw, 'uid') AS uid_type,
     if(uid_type = 'String', JSONExtractString(raw, 'uid'), if(uid_type IN ('Int64', 'UInt64', 'Double'), JSONExtractRaw(raw, 'uid'), '')) AS uid
SELECT toDateTime(toUInt32(floor(assumeNotNull(seconds))), 'UTC') AS ts, uid AS user, toInt32(_partition) AS partition, _offset AS offset
FROM ${database}.kafka_frames
-- The times that a DateTime can hold; others are in quarantine anyway.
WHERE seconds >= 0 AND seconds < 4294967296 AND uid != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_frames_quarantine ${on_cluster} TO ${database}.frames_quarantine AS
WITH splitByChar('/', _headers.value[indexOf(_headers.name, 'tidemark.origin')]) AS origin
SELECT _headers.value[indexOf(_headers.name, 'tidemark.reason')] AS reason,
       origin[1] AS topic,
       toInt32OrZero(origin[2]) AS partition,
       toUInt64OrZero(origin[3]) AS offset,
       ifNull(_timestamp_ms, toDateTime64(0, 3, 'UTC')) AS kafka_time
FROM ${database}.kafka_frames_quarantine;
