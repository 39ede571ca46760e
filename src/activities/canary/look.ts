import type { ClickHouseClient } from '@clickhouse/client';
import { serviceFault } from '../../clients/fault.js';
import type { CanaryChange, CanaryGold, CanaryTable, HopNames } from '../../core/canary.js';
import { selectCanaryGold } from '../../core/gold-sql.js';
import { CANARY_EVENT_ID, CANARY_USER_ID } from '../../core/ids.js';
import { EVENTS_TOPIC, MONGO_CONNECTOR, POSTGRES_CONNECTOR, USERS_TOPIC } from '../../core/names.js';
import type { Sighting } from './topic-watch.js';

/** The day of the canary's event. */
const DAY = '1970-01-01';

export interface CanaryPath extends HopNames {
  readonly table: CanaryTable;
  /** Part of the key of its messages. */
  readonly marker: string;
  /** Condition on its row in silver. */
  readonly row: string;
}

export const PATHS: readonly CanaryPath[] = [
  {
    table: 'users',
    system: 'postgres',
    source: 'public.users',
    connector: POSTGRES_CONNECTOR,
    topic: USERS_TOPIC,
    kafkaTable: 'kafka_users',
    bronze: 'bronze_users',
    silver: 'silver_users',
    marker: CANARY_USER_ID,
    row: `user_id = ${CANARY_USER_ID}`,
  },
  {
    table: 'events',
    system: 'mongo',
    source: 'commerce.events',
    connector: MONGO_CONNECTOR,
    topic: EVENTS_TOPIC,
    kafkaTable: 'kafka_events',
    bronze: 'bronze_events',
    silver: 'silver_events',
    marker: CANARY_EVENT_ID,
    row: `day = '${DAY}' AND event_id = '"${CANARY_EVENT_ID}"'`,
  },
];

/** ClickHouse's answers about the canary. */
export class CanaryLook {
  readonly #clickhouse: Pick<ClickHouseClient, 'query'>;
  readonly #database: string;

  constructor(clickhouse: Pick<ClickHouseClient, 'query'>, database: string) {
    this.#clickhouse = clickhouse;
    this.#database = database;
  }

  async inBronze({ bronze, topic }: CanaryPath, { partition, offset }: Sighting): Promise<boolean> {
    return this.#any(
      `${bronze} WHERE topic = '${topic}' AND partition = ${partition} AND offset = ${offset}`,
    );
  }

  /** Why a message is no good, where that is why bronze lacks it. */
  async refusedBecause({ topic }: CanaryPath, { partition, offset }: Sighting): Promise<string | undefined> {
    const [row] = await this.#ask<{ reason: string }>(
      `SELECT reason FROM ${this.#database}.bronze_errors
       WHERE topic = '${topic}' AND partition = ${partition} AND offset = ${offset}`,
    );
    return row?.reason;
  }

  /** The row that counts is this message's. */
  async inSilver(
    { silver, row }: CanaryPath,
    change: CanaryChange,
    { partition, offset }: Sighting,
  ): Promise<boolean> {
    const deleted = change === 'delete' ? 1 : 0;
    return this.#any(
      `${silver} FINAL WHERE ${row} AND partition = ${partition} AND offset = ${offset} AND is_deleted = ${deleted}`,
    );
  }

  async gold(): Promise<CanaryGold | null> {
    const [row] = await this.#ask<CanaryGold>(
      `SELECT full_name AS fullName, CAST(user_is_deleted, 'Bool') AS isDeleted, events_by_type AS eventsByType
       FROM (${selectCanaryGold(this.#database, DAY)})`,
    );
    return row ?? null;
  }

  async #any(from: string): Promise<boolean> {
    const [row] = await this.#ask<{ found: number }>(
      `SELECT count() > 0 AS found FROM ${this.#database}.${from}`,
    );
    return row?.found === 1;
  }

  async #ask<Row>(query: string): Promise<Row[]> {
    try {
      return await (await this.#clickhouse.query({ query, format: 'JSONEachRow' })).json<Row>();
    } catch (cause) {
      throw serviceFault('clickhouse', 'looking for the canary', cause);
    }
  }
}
