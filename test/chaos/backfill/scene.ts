import type { ClickHouseClient } from '@clickhouse/client';
import { addDays, dayStartMs, type Day } from '../../../src/core/day.js';
import type { GoldAnswer } from '../../../src/generate/answer.js';
import type { Row } from '../../../src/generate/compare.js';
import { waitUntil } from '../../../src/wait-until.js';
import { ExactGold } from '../../support/exact-gold.js';
import { timedAttempts, type TimedAttempt } from '../../support/gold-attempts.js';
import { goldRows, stagingTables } from '../../support/gold.js';

const FIRST_DAY: Day = '2023-03-01';
const DAYS = 60;
const EVENTS = 1_200_000;
const USERS = 500;
const LIMIT_MS = 120_000;
const FIRST_USER = 6_000_000_000;
const TYPES = ['login', 'page_view', 'purchase'] as const;

/** Sixty days of silver written by SQL, and their gold by the same arithmetic. */
export class SixtyDays {
  readonly dates: readonly Day[] = Array.from({ length: DAYS }, (_, i) => addDays(FIRST_DAY, i));
  readonly #clickhouse: ClickHouseClient;

  constructor(clickhouse: ClickHouseClient) {
    this.#clickhouse = clickhouse;
  }

  async fill(): Promise<void> {
    await this.#clickhouse.command({
      query: `INSERT INTO silver_users (user_id, full_name, email, is_deleted, deleted_at, version)
        SELECT ${FIRST_USER} + number, 'User ' || toString(number), toString(number) || '@example.com', 0, NULL, 1
        FROM numbers(${USERS})`,
    });
    await this.#clickhouse.command({
      query: `INSERT INTO silver_events (day, event_id, user_id, event_type, ts, payload, is_deleted, version)
        SELECT toDate('${FIRST_DAY}') + number % ${DAYS} AS at, '"sixty-' || toString(number) || '"',
               toInt64(${FIRST_USER} + (number * 7919) % ${USERS}),
               [${TYPES.map((type) => `'${type}'`).join(',')}][intDiv(number, 7) % 3 + 1],
               toDateTime64(at, 3, 'UTC') + toIntervalSecond(number * 104729 % 86400), '{}', 0, 1
        FROM numbers(${EVENTS})`,
    });
  }

  exactGold(): GoldAnswer[] {
    const gold = new ExactGold();
    for (let i = 0; i < EVENTS; i++) {
      const day = this.dates[i % DAYS]!;
      const ts = dayStartMs(day) + ((i * 104729) % 86_400) * 1_000;
      gold.add(day, (i * 7919) % USERS, ts, TYPES[Math.floor(i / 7) % 3]!);
    }
    return gold.answers(FIRST_USER, () => false);
  }

  async goldRows(): Promise<Row[]> {
    const rows: Row[] = [];
    for (const day of this.dates) rows.push(...(await goldRows(this.#clickhouse, day)));
    return rows;
  }

  /** All that the audit table has of these days. */
  attempts(): Promise<TimedAttempt[]> {
    return timedAttempts(this.#clickhouse, { from: this.dates[0]!, to: this.dates.at(-1)! });
  }

  /** Waits until a day is computed by an attempt that began after `sinceMs`, or it has ended. */
  async untilComputing(sinceMs: number, hasEnded: () => boolean): Promise<void> {
    const isComputing = async (): Promise<boolean> =>
      hasEnded() ||
      (await this.attempts()).some(
        ({ status, startedAtMs }) => status === 'running' && startedAtMs > sinceMs,
      );
    await waitUntil('a day to be computed', isComputing, { timeoutMs: LIMIT_MS, everyMs: 5 });
  }

  async stagingTables(): Promise<string[]> {
    const tables = await Promise.all(this.dates.map((day) => stagingTables(this.#clickhouse, day)));
    return tables.flat();
  }
}
