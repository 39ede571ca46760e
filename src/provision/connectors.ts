import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Pool } from 'pg';
import type { ConnectClient, ConnectorConfig } from '../clients/connect.js';
import type { Config } from '../config.js';
import { fillPlaceholders } from '../core/migrations.js';
import { EPOCH_HEADER, MONGO_CONNECTOR, POSTGRES_CONNECTOR, PUBLICATION, USERS_SLOT } from '../core/names.js';
import {
  EVENTS_LAYOUT,
  planEpoch,
  USERS_LAYOUT,
  type EpochPlan,
  type SourceState,
} from '../core/source-epoch.js';
import { packageRoot } from '../package-root.js';
import { waitUntil } from '../wait-until.js';

/** Stopping a task ends its transaction and its walsender: seconds, on a busy machine tens of them. */
const STOP_TIMEOUT_MS = 60_000;

/** Starts both connectors, or lets them be when they run as they should. */
export async function applyConnectors(stores: Stores): Promise<{ users: EpochPlan; events: EpochPlan }> {
  const users = planEpoch(USERS_LAYOUT, await usersState(stores));
  await apply(stores, POSTGRES_CONNECTOR, 'postgres', users);
  const events = planEpoch(EVENTS_LAYOUT, await eventsState(stores));
  await apply(stores, MONGO_CONNECTOR, 'mongo', events);
  return { users, events };
}

export interface Stores {
  readonly connect: ConnectClient;
  readonly postgres: Pool;
  readonly clickhouse: ClickHouseClient;
  readonly config: Config;
}

type Source = 'postgres' | 'mongo';

async function apply({ connect, postgres, config }: Stores, name: string, source: Source, plan: EpochPlan) {
  const wanted = connectorConfig(source, config, plan.epoch);
  const existing = await connect.connectorConfig(name);
  if (plan.kind === 'continue') return startOrRepair(connect, name, existing, wanted);
  // The order survives a crash after any step: the epoch is raised before anything is written under it, and a missing
  // slot or offset leads here again.
  await recordEpoch(postgres, source, plan.epoch, plan.cut);
  if (existing === undefined) await connect.createStopped(name, wanted);
  await stopped(connect, name);
  await connect.resetOffsets(name);
  if (source === 'postgres') await dropSlot(postgres);
  await connect.configure(name, wanted);
  await connect.resume(name);
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

async function usersState({ connect, postgres, clickhouse, config }: Stores): Promise<SourceState> {
  const slot = await postgres.query<{ exists: boolean; lsn: string }>(
    `SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1) AS exists,
            (pg_current_wal_lsn() - '0/0')::text AS lsn`,
    [USERS_SLOT],
  );
  const [row] = slot.rows;
  return {
    slotExists: row?.exists ?? false,
    offsetKnown: (await connect.sourceOffset(POSTGRES_CONNECTOR)) !== undefined,
    recordedEpoch: await recordedEpoch(postgres, 'postgres'),
    highestVersion: await highestVersion(clickhouse, config, 'silver_users'),
    currentVersion: (epoch) => USERS_LAYOUT.streamed(epoch, BigInt(row?.lsn ?? 0)),
  };
}

async function eventsState({ connect, postgres, clickhouse, config }: Stores): Promise<SourceState> {
  return {
    slotExists: true,
    offsetKnown: (await connect.sourceOffset(MONGO_CONNECTOR)) !== undefined,
    recordedEpoch: await recordedEpoch(postgres, 'mongo'),
    highestVersion: await highestVersion(clickhouse, config, 'silver_events'),
    currentVersion: undefined,
  };
}

async function highestVersion(clickhouse: ClickHouseClient, config: Config, table: string): Promise<bigint> {
  const answer = await clickhouse.query({
    query: `SELECT toString(max(version)) AS version FROM ${config.clickhouse.database}.${table}`,
    format: 'JSONEachRow',
  });
  const [row] = await answer.json<{ version: string }>();
  return BigInt(row?.version ?? 0);
}

async function recordedEpoch(postgres: Pool, source: Source): Promise<number | undefined> {
  const answer = await postgres.query<{ epoch: number }>(
    'SELECT epoch FROM tidemark.source_epochs WHERE source = $1',
    [source],
  );
  return answer.rows[0]?.epoch;
}

async function recordEpoch(postgres: Pool, source: Source, epoch: number, cut: boolean): Promise<void> {
  await postgres.query(
    `INSERT INTO tidemark.source_epochs (source, epoch, cut_pending) VALUES ($1, $2, $3)
     ON CONFLICT (source) DO UPDATE SET epoch = excluded.epoch, cut_pending = excluded.cut_pending, raised_at = now()`,
    [source, epoch, cut],
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
function connectorConfig(name: Source, config: Config, epoch: number): ConnectorConfig {
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
    epoch: String(epoch),
  };
  const template = JSON.parse(text) as ConnectorConfig;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) => [key, fillPlaceholders(value, values)]),
  );
}
