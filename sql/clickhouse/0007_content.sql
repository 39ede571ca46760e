-- What is known of silver's content, and views without the canary.

-- How far silver was last found to be the source's content: the newest row of a table counts.
CREATE TABLE IF NOT EXISTS ${database}.ops_verified_through ${on_cluster}
(
    table_name LowCardinality(String) COMMENT 'silver_users, silver_events',
    version UInt128 COMMENT 'of the source position: comparable with the version of a row of that table',
    rows UInt64 COMMENT 'of the source, canary and events without a usable time left out',
    run_id String COMMENT 'of the workflow verifyDeployment',
    verified_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${Replicated}ReplacingMergeTree(verified_at)
ORDER BY table_name;

-- What was committed at the source by this position is in silver as it is there.
CREATE VIEW IF NOT EXISTS ${database}.verified_through ${on_cluster} AS
SELECT table_name,
       version,
       if(table_name = 'silver_users', bitShiftRight(version, 96), bitShiftRight(version, 113))::UInt32 AS epoch,
       if(table_name = 'silver_users', toUInt64(bitAnd(version, toUInt128(18446744073709551615))), NULL) AS lsn,
       if(table_name = 'silver_events',
          toDateTime(toUInt32(bitAnd(bitShiftRight(version, 80), toUInt128(4294967295))), 'UTC'), NULL) AS cluster_time,
       rows, run_id, verified_at
FROM ${database}.ops_verified_through FINAL;

-- Every user, the reserved one too: what users_with_deleted was. Only the canary's own check reads it.
CREATE VIEW IF NOT EXISTS ${database}.users_with_reserved ${on_cluster} AS
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

-- The same without it: one row per user, deleted ones flagged.
CREATE OR REPLACE VIEW ${database}.users_with_deleted ${on_cluster} AS
SELECT * FROM ${database}.users_with_reserved WHERE user_id != ${canary_user_id};
