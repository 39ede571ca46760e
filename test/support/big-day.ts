import type { ClickHouseClient } from '@clickhouse/client';
import { dayStartMs, type Day } from '../../src/core/day.js';
import type { GoldAnswer } from '../../src/generate/answer.js';
import { ExactGold } from './exact-gold.js';

/** A day of silver written by SQL, of a size that no source could be asked for, and its gold by the same arithmetic. */
export interface BigDay {
  readonly day: Day;
  /** Events `[0, events)`; of those every 10th is corrected and every 97th deleted. */
  readonly events: number;
  /** Known users; every 50th is deleted. As many ids again by a hundredth are unknown. */
  readonly users: number;
}

const TYPES = ['add_to_cart', 'login', 'logout', 'page_view', 'purchase'] as const;
const CORRECTED = 'search';
const FIRST_USER = 5_000_000_000;
const DAY_LENGTH_MS = 86_400_000;

const idsOf = ({ users }: BigDay): number => users + Math.ceil(users / 100);

/** Writes the events `[from, to)` of a day into silver, and the corrections and deletions among them as later versions. */
export async function fillEvents(
  clickhouse: ClickHouseClient,
  big: BigDay,
  from = 0,
  to = big.events,
): Promise<void> {
  const insert = (version: number, type: string, isDeleted: 0 | 1, where: string) =>
    clickhouse.command({
      query: `INSERT INTO silver_events (day, event_id, user_id, event_type, ts, payload, is_deleted, version)
        SELECT toDate('${big.day}'), '"big-' || leftPad(toString(number), 10, '0') || '"',
               if(number % 1000 = 999, NULL, toInt64(${FIRST_USER} + (number * 7919) % ${idsOf(big)})),
               ${type},
               fromUnixTimestamp64Milli(toInt64(${dayStartMs(big.day)} + (number * 104729) % ${DAY_LENGTH_MS}), 'UTC'),
               '{"page": ' || toString(number % 1000) || '}', ${isDeleted}, ${version}
        FROM numbers(${from}, ${to - from}) WHERE ${where}`,
    });
  await insert(1, `[${TYPES.map((type) => `'${type}'`).join(',')}][intDiv(number, 3) % 5 + 1]`, 0, 'true');
  await insert(2, `'${CORRECTED}'`, 0, 'number % 10 = 0');
  await insert(3, `'${CORRECTED}'`, 1, 'number % 97 = 0');
}

export async function fillUsers(clickhouse: ClickHouseClient, { users }: BigDay): Promise<void> {
  await clickhouse.command({
    query: `INSERT INTO silver_users (user_id, full_name, email, is_deleted, deleted_at, version)
      SELECT ${FIRST_USER} + number, 'User ' || toString(number), toString(number) || '@example.com',
             number % 50 = 0, if(number % 50 = 0, now64(3), NULL), 1
      FROM numbers(${users})`,
  });
}

/** Gold of the day. */
export function exactGold(big: BigDay): GoldAnswer[] {
  const ids = idsOf(big);
  const startMs = dayStartMs(big.day);
  const gold = new ExactGold();
  for (let i = 0; i < big.events; i++) {
    const user = (i * 7919) % ids;
    if (i % 97 === 0 || i % 1000 === 999 || user >= big.users) continue;
    const ts = startMs + ((i * 104729) % DAY_LENGTH_MS);
    gold.add(big.day, user, ts, i % 10 === 0 ? CORRECTED : TYPES[Math.floor(i / 3) % 5]!);
  }
  return gold.answers(FIRST_USER, (user) => user % 50 === 0);
}
