import type { ClickHouseClient } from '@clickhouse/client';
import type { ObjectId } from 'mongodb';
import { Long, type Collection, type MongoClient } from 'mongodb';
import type { Pool } from 'pg';
import type { ServiceName, Stack } from '../../infra/embedded/index.js';
import { connectClickHouse } from '../../src/clients/clickhouse.js';
import { connectConnect, type ConnectClient } from '../../src/clients/connect.js';
import { connectMongo } from '../../src/clients/mongo.js';
import { connectPostgres } from '../../src/clients/postgres.js';
import { Tidemark } from '../../src/index.js';
import type { EventAnswer } from '../../src/generate/answer.js';
import { payloadDigest } from '../../src/generate/payload-digest.js';
import { EVENTS_COLLECTION } from '../../src/core/names.js';

/** All that a day of gold passes through, on its way from the sources to the caller. */
export const GOLD_SERVICES: readonly ServiceName[] = [
  'kafka',
  'connect',
  'postgres',
  'mongo',
  'clickhouse',
  'temporal',
  'worker',
];

export interface GoldStack {
  readonly stack: Stack;
  readonly tidemark: Tidemark;
  readonly clickhouse: ClickHouseClient;
  readonly postgres: Pool;
  readonly events: Collection<StoredEvent>;
  readonly connect: ConnectClient;
  close(): Promise<void>;
}

export interface StoredEvent {
  readonly _id: string | ObjectId;
  readonly user_id: Long;
  readonly event_type: string;
  readonly ts: Date;
  readonly payload: Readonly<Record<string, unknown>>;
}

export async function openGoldStack(stack: Stack): Promise<GoldStack> {
  const { config } = stack;
  const mongo: MongoClient = await connectMongo(config);
  const postgres = connectPostgres(config);
  const clickhouse = connectClickHouse(config);
  const tidemark = new Tidemark(config);
  return {
    stack,
    tidemark,
    clickhouse,
    postgres,
    events: mongo.db(config.mongo.database).collection<StoredEvent>(EVENTS_COLLECTION),
    connect: connectConnect(config),
    close: async () => {
      await Promise.all([mongo.close(), postgres.end(), clickhouse.close(), tidemark.close()]);
    },
  };
}

/** One event as the source stores it, and as the exact answer counts it. */
export function eventOf(
  id: string,
  userId: string,
  type: string,
  at: string,
): { stored: StoredEvent; answer: EventAnswer } {
  const ts = new Date(at);
  return {
    stored: { _id: id, user_id: Long.fromString(userId), event_type: type, ts, payload: {} },
    answer: {
      event_id: JSON.stringify(id),
      user_id: userId,
      event_type: type,
      ts: ts.getTime(),
      payload: payloadDigest({}),
    },
  };
}
