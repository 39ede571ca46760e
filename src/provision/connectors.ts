import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Pool } from 'pg';
import type { ConnectClient, ConnectorConfig } from '../clients/connect.js';
import type { Config } from '../config.js';
import { fillPlaceholders } from '../core/migrations.js';
import { EPOCH_HEADER, MONGO_CONNECTOR, POSTGRES_CONNECTOR, PUBLICATION, USERS_SLOT } from '../core/names.js';
import { planSlot, type SlotPlan } from '../core/slot-epoch.js';
import { packageRoot } from '../package-root.js';
import { waitUntil } from '../wait-until.js';

/** Stopping a task ends its transaction and its walsender: seconds, on a busy machine tens of them. */
const STOP_TIMEOUT_MS = 60_000;

/** Starts the users connector, or lets it be when it runs as it should. */
export async function applyPostgresConnector(
  connect: ConnectClient,
  postgres: Pool,
  clickhouse: ClickHouseClient,
  config: Config,
): Promise<SlotPlan> {
  const plan = planSlot(await slotState(connect, postgres, clickhouse, config));
  const wanted = connectorConfig('postgres', config, plan.epoch);
  const existing = await connect.connectorConfig(POSTGRES_CONNECTOR);
  if (plan.kind === 'snapshot') {
    // The order survives a crash after any step: the epoch is raised before anything is written under it, and a
    // missing slot or offset leads here again.
    await recordEpoch(postgres, plan.epoch, plan.cut);
    if (existing === undefined) await connect.createStopped(POSTGRES_CONNECTOR, wanted);
    await stopped(connect, POSTGRES_CONNECTOR);
    await connect.resetOffsets(POSTGRES_CONNECTOR);
    await dropSlot(postgres);
    await connect.configure(POSTGRES_CONNECTOR, wanted);
    await connect.resume(POSTGRES_CONNECTOR);
    return plan;
  }
  await startOrRepair(connect, POSTGRES_CONNECTOR, existing, wanted);
  return plan;
}

/** Starts the events connector; its versions come from the cluster's own clock, so there is no epoch to raise. */
export async function applyMongoConnector(connect: ConnectClient, config: Config): Promise<void> {
  const existing = await connect.connectorConfig(MONGO_CONNECTOR);
  await startOrRepair(connect, MONGO_CONNECTOR, existing, connectorConfig('mongo', config));
}

async function startOrRepair(
  connect: ConnectClient,
  name: string,
  existing: ConnectorConfig | undefined,
  wanted: ConnectorConfig,
): Promise<void> {
  const differs = Object.entries(wanted).some(([key, value]) => existing?.[key] !== value);
  if (differs) await connect.configure(name, wanted);
  const status = await connect.status(name);
  if (status?.connector.state === 'STOPPED' || status?.connector.state === 'PAUSED')
    await connect.resume(name);
  if (status?.tasks.some((task) => task.state === 'FAILED')) await connect.restartFailed(name);
}

async function stopped(connect: ConnectClient, name: string): Promise<void> {
  await connect.stop(name);
  await waitUntil(
    `connector ${name} to stop`,
    async () => {
      const status = await connect.status(name);
      return status?.connector.state === 'STOPPED' && status.tasks.length === 0;
    },
    { timeoutMs: STOP_TIMEOUT_MS },
  );
}

async function slotState(
  connect: ConnectClient,
  postgres: Pool,
  clickhouse: ClickHouseClient,
  config: Config,
) {
  const slot = await postgres.query<{ exists: boolean; lsn: string; epoch: number | null }>(
    `SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1) AS exists,
            (pg_current_wal_lsn() - '0/0')::text AS lsn,
            (SELECT epoch FROM tidemark.slot_epochs WHERE slot_name = $1) AS epoch`,
    [USERS_SLOT],
  );
  const row = slot.rows[0];
  const answer = await clickhouse.query({
    query: `SELECT toString(max(version)) AS version FROM ${config.clickhouse.database}.silver_users`,
    format: 'JSONEachRow',
  });
  const [silver] = await answer.json<{ version: string }>();
  return {
    slotExists: row?.exists ?? false,
    offsetKnown: (await connect.sourceOffset(POSTGRES_CONNECTOR)) !== undefined,
    recordedEpoch: row?.epoch ?? undefined,
    highestVersion: BigInt(silver?.version ?? 0),
    currentLsn: BigInt(row?.lsn ?? 0),
  };
}

async function recordEpoch(postgres: Pool, epoch: number, cut: boolean): Promise<void> {
  await postgres.query(
    `INSERT INTO tidemark.slot_epochs (slot_name, epoch, cut_pending) VALUES ($1, $2, $3)
     ON CONFLICT (slot_name) DO UPDATE SET epoch = excluded.epoch, cut_pending = excluded.cut_pending, raised_at = now()`,
    [USERS_SLOT, epoch, cut],
  );
}

async function dropSlot(postgres: Pool): Promise<void> {
  // The walsender of a stopped connector may hold the slot a moment longer.
  await waitUntil(
    `slot ${USERS_SLOT} to be released`,
    async () => {
      const slot = await postgres.query<{ active: boolean }>(
        'SELECT active FROM pg_replication_slots WHERE slot_name = $1',
        [USERS_SLOT],
      );
      return slot.rows[0]?.active !== true;
    },
    { timeoutMs: STOP_TIMEOUT_MS },
  );
  await postgres.query(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
    [USERS_SLOT],
  );
}

/** The connector's configuration: infra/connect/<name>.json, the same file in every way of running. */
function connectorConfig(name: 'postgres' | 'mongo', config: Config, epoch?: number): ConnectorConfig {
  const text = readFileSync(join(packageRoot, 'infra', 'connect', `${name}.json`), 'utf8');
  const values: Record<string, string> = {
    postgres_host: config.postgres.host,
    postgres_port: String(config.postgres.port),
    postgres_database: config.postgres.database,
    replication_user: config.replication.user,
    replication_password: config.replication.password,
    mongo_uri: config.mongo.uri,
    mongo_database: config.mongo.database,
    slot: USERS_SLOT,
    publication: PUBLICATION,
    epoch_header: EPOCH_HEADER,
    epoch: String(epoch ?? ''),
  };
  const template = JSON.parse(text) as ConnectorConfig;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) => [key, fillPlaceholders(value, values)]),
  );
}
