import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { connectClickHouse } from '../clients/clickhouse.js';
import { serviceFault } from '../clients/fault.js';
import type { Config } from '../config.js';
import { PipelineError } from '../core/errors.js';
import { CANARY_EVENT_PREFIX, CANARY_USER_ID } from '../core/ids.js';
import { fillPlaceholders, pendingMigrations, splitStatements, type Migration } from '../core/migrations.js';
import { KAFKA_GROUP_PREFIX, PUBLICATION } from '../core/names.js';
import { packageRoot } from '../package-root.js';

/** Serialises migrators of one PostgreSQL database; any fixed number of our own. */
const ADVISORY_LOCK = 7_433_651;

/** Names of the files applied now; empty when there was nothing to do. */
export async function migratePostgres(pool: Pool, config: Config): Promise<string[]> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw failed('postgres', cause);
  });
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await client.query('CREATE SCHEMA IF NOT EXISTS tidemark');
    await client.query(
      'CREATE TABLE IF NOT EXISTS tidemark.migrations (name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
    );
    const rows = await client.query<{ name: string; digest: string }>(
      'SELECT name, digest FROM tidemark.migrations',
    );
    const pending = pendingMigrations(
      readMigrations('postgres'),
      new Map(rows.rows.map((row) => [row.name, row.digest])),
    );
    for (const file of pending) {
      const text = fillPlaceholders(file.text, {
        publication: PUBLICATION,
        replication_user: client.escapeIdentifier(config.replication.user),
      });
      // DDL is transactional here: a file is applied whole, with its record, or not at all.
      await client.query(
        `BEGIN; ${text}; INSERT INTO tidemark.migrations (name, digest) VALUES (${client.escapeLiteral(file.name)}, ${client.escapeLiteral(file.digest)}); COMMIT`,
      );
    }
    return pending.map((file) => file.name);
  } catch (cause) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw failed('postgres', cause);
  } finally {
    // Ends the session, and with it the advisory lock.
    client.release(true);
  }
}

/**
 * Names of the files applied now. DDL is not transactional in ClickHouse: every statement is idempotent (IF NOT
 * EXISTS), and a file is recorded once all of it ran, so that an interrupted one simply runs again.
 */
export async function migrateClickHouse(config: Config): Promise<string[]> {
  const { database } = config.clickhouse;
  // A session in a database that is not there yet is refused, so this one starts outside of it.
  const clickhouse = connectClickHouse({
    ...config,
    clickhouse: { ...config.clickhouse, database: 'default' },
  });
  const values = clickHousePlaceholders(config);
  const run = (query: string) => clickhouse.command({ query: fillPlaceholders(query, values) });
  try {
    await run('CREATE DATABASE IF NOT EXISTS ${database} ${on_cluster}');
    await run(
      `CREATE TABLE IF NOT EXISTS \${database}.ops_migrations \${on_cluster}
         (name String, digest String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
       ENGINE = \${Replicated}ReplacingMergeTree ORDER BY name`,
    );
    const answer = await clickhouse.query({
      query: `SELECT name, digest FROM ${database}.ops_migrations FINAL`,
      format: 'JSONEachRow',
    });
    const rows = await answer.json<{ name: string; digest: string }>();
    const pending = pendingMigrations(
      readMigrations('clickhouse'),
      new Map(rows.map((row) => [row.name, row.digest])),
    );
    for (const file of pending) {
      for (const statement of splitStatements(file.text)) await run(statement);
      await clickhouse.insert({
        table: `${database}.ops_migrations`,
        values: [{ name: file.name, digest: file.digest }],
        format: 'JSONEachRow',
      });
    }
    return pending.map((file) => file.name);
  } catch (cause) {
    throw failed('clickhouse', cause);
  } finally {
    await clickhouse.close();
  }
}

/** The one place that decides between plain engines on one server and replicated ones on a cluster. */
export function clickHousePlaceholders(config: Config): Record<string, string> {
  const { database, cluster } = config.clickhouse;
  return {
    database,
    on_cluster: cluster === undefined ? '' : `ON CLUSTER '${cluster}'`,
    Replicated: cluster === undefined ? '' : 'Replicated',
    kafka_brokers: config.kafka.brokers.join(','),
    kafka_group_prefix: KAFKA_GROUP_PREFIX,
    canary_user_id: CANARY_USER_ID,
    // Event ids are extended JSON: a string id starts with its quote.
    canary_event_prefix: `"${CANARY_EVENT_PREFIX}`,
  };
}

/** The numbered files of a store, in order. */
export function readMigrations(store: 'postgres' | 'clickhouse'): Migration[] {
  const folder = join(packageRoot, 'sql', store);
  return readdirSync(folder)
    .filter((name) => /^\d{4}_.*\.sql$/.test(name))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      return { name, text, digest: createHash('sha256').update(text).digest('hex') };
    });
}

/** A server that is not there or refuses us, else what it says about the SQL, which is our own and holds no rows. */
function failed(store: 'postgres' | 'clickhouse', cause: unknown): PipelineError {
  const title = store === 'postgres' ? 'PostgreSQL' : 'ClickHouse';
  const fault = serviceFault(store, `migrating ${title}`, cause);
  if (cause instanceof PipelineError || fault.code !== `${store.toUpperCase()}_FAILED`) return fault;
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  return new PipelineError('MIGRATION_FAILED', `migrating ${title}: ${line}`, { cause });
}
