import type { ClickHouseClient } from '@clickhouse/client';
import type { Db, MongoClient } from 'mongodb';
import type { Pool } from 'pg';
import type { ServiceName, Stack } from '../../infra/embedded/index.js';
import { connectClickHouse } from '../../src/clients/clickhouse.js';
import { connectConnect, type ConnectClient } from '../../src/clients/connect.js';
import { connectMongo } from '../../src/clients/mongo.js';
import { connectPostgres } from '../../src/clients/postgres.js';
import type { Config } from '../../src/config.js';
import { provision } from '../../src/provision.js';

export const PIPELINE_SERVICES: readonly ServiceName[] = [
  'kafka',
  'connect',
  'postgres',
  'mongo',
  'clickhouse',
];

/** Both sources, Connect and ClickHouse of a stack, ready to use. */
export interface Pipeline {
  readonly config: Config;
  readonly postgres: Pool;
  readonly mongo: MongoClient;
  readonly db: Db;
  readonly clickhouse: ClickHouseClient;
  readonly connect: ConnectClient;
  close(): Promise<void>;
}

/** The same, provisioned. */
export async function openPipeline(stack: Pick<Stack, 'config'>): Promise<Pipeline> {
  await provision(stack.config, () => undefined);
  return connectPipeline(stack);
}

export async function connectPipeline({ config }: Pick<Stack, 'config'>): Promise<Pipeline> {
  const postgres = connectPostgres(config);
  const mongo = await connectMongo(config);
  const clickhouse = connectClickHouse(config);
  return {
    config,
    postgres,
    mongo,
    db: mongo.db(config.mongo.database),
    clickhouse,
    connect: connectConnect(config),
    close: async () => void (await Promise.all([postgres.end(), mongo.close(), clickhouse.close()])),
  };
}
