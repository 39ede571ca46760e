-- Unique users: results and their sketches as countUniqueUsers writes them, what each job counts, and the frames themselves,
-- reduced to time and user, so that every result can be compared with an exact count.
--
-- Times are DateTime64(0): 1900 to 2298, where DateTime holds 1970 to 2105 only. Windows and frames outside, which a job counts
-- from the year 1 to 9998, are in its topic but not here. (Text is parsed to milliseconds: to whole seconds ClickHouse reads what
-- lies outside of DateTime as its nearest end.)

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

CREATE TABLE IF NOT EXISTS ${database}.kafka_unique_users_jobs ${on_cluster} (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${kafka_brokers}',
         kafka_topic_list = 'unique-users.jobs',
         kafka_group_name = '${kafka_group_prefix}.kafka_unique_users_jobs',
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
    start DateTime64(0, 'UTC') COMMENT 'included',
    end DateTime64(0, 'UTC') COMMENT 'excluded',
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
    start DateTime64(0, 'UTC'),
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
       if(is_exact, toFloat64(length(hashes)), m * m / (2 * log(2) * (1 + (3 * log(2) - 1) / m) * (z + m * sigma))) AS users
FROM ${database}.unique_users_sketches;

-- What each job counts, as it was planned: one row per partition of its topic of frames.
CREATE TABLE IF NOT EXISTS ${database}.unique_users_jobs ${on_cluster}
(
    job LowCardinality(String),
    source LowCardinality(String) COMMENT 'topic of frames',
    target LowCardinality(String) COMMENT 'topic of results; those of unique-users are here',
    ts_field String,
    id_fields Array(String),
    partition Int32,
    start_offset UInt64 COMMENT 'included',
    end_offset Nullable(UInt64) COMMENT 'excluded; null: the topic is followed',
    offset UInt64 COMMENT 'in unique-users.jobs'
)
ENGINE = ${Replicated}ReplacingMergeTree(offset)
ORDER BY (job, partition);

CREATE TABLE IF NOT EXISTS ${database}.frame_users ${on_cluster}
(
    ts DateTime64(0, 'UTC'),
    user String,
    partition Int32,
    offset UInt64
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (ts, partition, offset);

CREATE TABLE IF NOT EXISTS ${database}.frames_quarantine ${on_cluster}
(
    job LowCardinality(String) COMMENT 'the one that refused it: another may have counted it',
    reason LowCardinality(String),
    topic LowCardinality(String) COMMENT 'where the frame came from',
    partition Int32,
    offset UInt64,
    kafka_time DateTime64(3, 'UTC')
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (job, topic, partition, offset);

-- The ranges of the jobs whose frames are here as they count them: those that count `uid` by `ts` of the topic of frames.
CREATE VIEW IF NOT EXISTS ${database}.unique_users_compared ${on_cluster} AS
SELECT job, partition, start_offset, ifNull(end_offset, 18446744073709551615) AS end_offset
FROM ${database}.unique_users_jobs FINAL
WHERE source = 'frames' AND ts_field = 'ts' AND id_fields = ['uid'];

-- Exact counts of what each of these counted: every frame of its range that it did not refuse. One that follows the topic may
-- have a frame here before it has counted it. Starts are computed from the seconds, as toStartOfMonth and its like know no
-- month before 1970: day 0 was a Thursday.
CREATE VIEW IF NOT EXISTS ${database}.unique_users_exact ${on_cluster} AS
WITH toInt64(ts) AS at_s
SELECT job, window, start, uniqExact(user) AS users, count() AS frames
FROM
(
    SELECT job, ts, user
    FROM (SELECT ts, user, partition, offset FROM ${database}.frame_users FINAL) AS frames
    INNER JOIN ${database}.unique_users_compared AS ranges ON ranges.partition = frames.partition
    WHERE offset >= start_offset AND offset < end_offset
      AND (job, partition, offset) NOT IN (SELECT job, partition, offset FROM ${database}.frames_quarantine WHERE topic = 'frames')
)
ARRAY JOIN
    ['minute', 'hour', 'day', 'week', 'month', 'year'] AS window,
    [toDateTime64(at_s - positiveModulo(at_s, 60), 0, 'UTC'),
     toDateTime64(at_s - positiveModulo(at_s, 3600), 0, 'UTC'),
     toDateTime64(at_s - positiveModulo(at_s, 86400), 0, 'UTC'),
     toDateTime64(at_s - positiveModulo(at_s + 3 * 86400, 7 * 86400), 0, 'UTC'),
     toDateTime64(makeDate32(toYear(ts), toMonth(ts), 1), 0, 'UTC'),
     toDateTime64(makeDate32(toYear(ts), 1, 1), 0, 'UTC')] AS start
GROUP BY job, window, start;

-- Every result of a job beside its sketch and the exact count (null where its frames are not here as it counts them):
-- SELECT * FROM unique_users_check(job = 'visits')
CREATE VIEW IF NOT EXISTS ${database}.unique_users_check ${on_cluster} AS
WITH {job:String} IN (SELECT job FROM ${database}.unique_users_compared) AS is_compared
SELECT results.window AS window, results.start AS start, results.status AS status,
       results.users AS users, if(is_compared, exact.users, NULL) AS exact_users,
       results.frames AS frames, if(is_compared, exact.frames, NULL) AS exact_frames,
       results.error AS error, results.users / exact_users - 1 AS relative_error,
       if(results.error = 0, NULL, relative_error / results.error) AS sigmas,
       estimates.users AS sketch_users,
       abs(estimates.users - results.users) < 1 AS sketch_agrees
FROM (SELECT * FROM ${database}.unique_users WHERE job = {job:String} AND field = '') AS results
LEFT JOIN (SELECT * FROM ${database}.unique_users_exact WHERE job = {job:String}) AS exact
       ON exact.window = results.window AND exact.start = results.start
LEFT JOIN (SELECT * FROM ${database}.unique_users_estimates WHERE job = {job:String} AND field = '') AS estimates
       ON estimates.window = results.window AND estimates.start = results.start;

-- Last, so that nothing is consumed before every table behind it is there; nothing in here throws.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_unique_users ${on_cluster} TO ${database}.unique_users_results AS
WITH JSONExtract(raw, 'Tuple(window String, start String, end String, field String, users UInt64, error Float64, frames UInt64, status String, revision UInt32, emittedAt String)') AS result,
     parseDateTime64BestEffortOrNull(result.start, 3, 'UTC') AS start_or_null,
     parseDateTime64BestEffortOrNull(result.end, 3, 'UTC') AS end_or_null
SELECT _headers.value[indexOf(_headers.name, 'tidemark.job')] AS job,
       result.window AS window,
       assumeNotNull(start_or_null) AS start,
       assumeNotNull(end_or_null) AS end,
       result.field AS field, result.users AS users, result.error AS error, result.frames AS frames,
       result.status AS status, result.revision AS revision,
       ifNull(parseDateTime64BestEffortOrNull(result.emittedAt, 3, 'UTC'), toDateTime64(0, 3, 'UTC')) AS emitted_at,
       _offset AS offset
FROM ${database}.kafka_unique_users
-- By its text: of times outside ClickHouse promises nothing.
WHERE start_or_null IS NOT NULL AND end_or_null IS NOT NULL AND result.start >= '1900' AND result.start < '2299';

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_unique_users_sketches ${on_cluster} TO ${database}.unique_users_sketch_bytes AS
WITH splitByChar('/', _key) AS path,
     parseDateTime64BestEffortOrNull(path[2], 3, 'UTC') AS start_or_null
SELECT _headers.value[indexOf(_headers.name, 'tidemark.job')] AS job,
       path[1] AS window,
       assumeNotNull(start_or_null) AS start,
       substring(_key, length(path[1]) + length(path[2]) + 3) AS field,
       raw AS sketch,
       _offset AS offset
FROM ${database}.kafka_unique_users_sketches
WHERE start_or_null IS NOT NULL AND path[2] >= '1900' AND path[2] < '2299' AND length(raw) > 12;

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_unique_users_jobs ${on_cluster} TO ${database}.unique_users_jobs AS
WITH JSONExtract(raw, 'Tuple(job String, source String, target String, tsField String, idFields Array(String), ranges Array(Tuple(partition Int32, startOffset String, endOffset Nullable(String))))') AS told
SELECT told.job AS job, told.source AS source, told.target AS target, told.tsField AS ts_field, told.idFields AS id_fields,
       range.partition AS partition, toUInt64OrZero(range.startOffset) AS start_offset, toUInt64OrNull(range.endOffset) AS end_offset,
       _offset AS offset
FROM ${database}.kafka_unique_users_jobs
ARRAY JOIN told.ranges AS range
WHERE job != '';

-- Frames as the counter reads them by default: `uid` a string or a number, by its text; `ts` likewise, seconds.
CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_frame_users ${on_cluster} TO ${database}.frame_users AS
WITH toFloat64OrNull(trim(BOTH '"' FROM JSONExtractRaw(raw, 'ts'))) AS seconds,
     JSONType(raw, 'uid') AS uid_type,
     if(uid_type = 'String', JSONExtractString(raw, 'uid'), if(uid_type IN ('Int64', 'UInt64', 'Double'), JSONExtractRaw(raw, 'uid'), '')) AS uid
SELECT toDateTime64(toInt64(floor(assumeNotNull(seconds))), 0, 'UTC') AS ts, uid AS user, toInt32(_partition) AS partition, _offset AS offset
FROM ${database}.kafka_frames
-- From 1900 to 2298, as the results.
WHERE seconds >= -2208988800 AND seconds < 10382256000 AND uid != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.to_frames_quarantine ${on_cluster} TO ${database}.frames_quarantine AS
WITH splitByChar('/', _headers.value[indexOf(_headers.name, 'tidemark.origin')]) AS origin
SELECT _headers.value[indexOf(_headers.name, 'tidemark.job')] AS job,
       _headers.value[indexOf(_headers.name, 'tidemark.reason')] AS reason,
       origin[1] AS topic,
       toInt32OrZero(origin[2]) AS partition,
       toUInt64OrZero(origin[3]) AS offset,
       ifNull(_timestamp_ms, toDateTime64(0, 3, 'UTC')) AS kafka_time
FROM ${database}.kafka_frames_quarantine;
