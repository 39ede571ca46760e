import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import type { Config } from '../config.js';

/** 64-bit integers come back as strings: JavaScript numbers end at 2^53. */
export function connectClickHouse(config: Config, requestTimeoutMs = 60_000): ClickHouseClient {
  const { url, user, password, database } = config.clickhouse;
  return createClient({
    url,
    username: user,
    password,
    database,
    request_timeout: requestTimeoutMs,
    application: 'tidemark',
    // Errors reach the caller, who says what was being done.
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
  });
}

/** As who may only read what users may read, where there is such a user. */
export function connectClickHouseReader(config: Config, requestTimeoutMs?: number): ClickHouseClient {
  const { clickhouse } = config;
  return connectClickHouse(
    { ...config, clickhouse: { ...clickhouse, ...clickhouse.reader } },
    requestTimeoutMs,
  );
}
