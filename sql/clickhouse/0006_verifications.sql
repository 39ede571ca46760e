-- Every verification of the deployment: one row per check, with what the whole came to.
CREATE TABLE IF NOT EXISTS ${database}.ops_verifications ${on_cluster}
(
    started_at DateTime64(3, 'UTC') COMMENT 'of the verification',
    run_id String COMMENT 'of the Temporal workflow verifyDeployment',
    position UInt16 COMMENT 'of the check among those of its verification',
    check_name LowCardinality(String),
    hop LowCardinality(String) COMMENT 'the system, or the step between two, that the finding is about',
    verdict Enum8('Passed' = 1, 'Failed' = 2, 'Inconclusive' = 3),
    summary String,
    evidence String COMMENT 'JSON; names, counts and positions only' CODEC(ZSTD(1)),
    next_step String COMMENT 'empty where there is nothing to do',
    attempts UInt32,
    duration_ms UInt64,
    deployment_verdict Enum8('Passed' = 1, 'Failed' = 2, 'Inconclusive' = 3),
    deployment_summary String,
    finished_at DateTime64(3, 'UTC'),
    workflow_id String,
    requested_by String,
    code_version String,
    failure_limit UInt32,
    error_limit UInt32
)
ENGINE = ${Replicated}ReplacingMergeTree
ORDER BY (started_at, run_id, position);
