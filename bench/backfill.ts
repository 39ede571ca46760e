import type { ClickHouseClient } from '@clickhouse/client';
import { addDays } from '../src/core/day.js';
import { fillStatement } from '../src/core/gold-sql.js';
import { fillUsers, type BigDay } from '../test/support/big-day.js';
import { spread, type Benchmark, type BenchOptions, type BenchReport } from './benchmark.js';
import { withGold, type GoldBench } from './with-gold.js';

/** Each round has days of its own from here on: as in life they are computed for the first time, with no parts of an earlier round to drop. */
const FIRST_DAY = '2015-01-01';
const DAYS = 365;
const EVENTS = 1_000_000;
const USERS = 10_000;
const ROUNDS = 3;
/** What orchestration may cost over the bare SQL, ms a day. */
const LIMIT_MS = 100;

/** A year of days by `goldBackfill`, against the INSERT ... SELECT of each day one after the other, taking turns. */
export const benchmark: Benchmark = {
  about: `goldBackfill of ${DAYS} days with ${EVENTS} events, against their bare INSERT ... SELECT`,
  run: (options) => withGold((gold) => measure(gold, options)),
};

async function measure(
  { stack, tidemark, clickhouse }: GoldBench,
  { scale, rounds = ROUNDS, log }: BenchOptions,
): Promise<BenchReport> {
  const { database } = stack.config.clickhouse;
  const days = Math.max(2, Math.round(DAYS * scale));
  const big: BigDay = { day: FIRST_DAY, events: Math.round(EVENTS * scale), users: USERS };
  log(`filling ${rounds + 1} times ${days} days with ${big.events} events`);
  await fillUsers(clickhouse, big);
  for (let round = 0; round <= rounds; round++) await fillDays(clickhouse, round, days, big);
  await clickhouse.command({ query: 'CREATE TABLE bare_gold AS gold_user_activity' });
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const dates = Array.from({ length: days }, (_, i) => addDays(FIRST_DAY, round * days + i));
    const turns = [
      async () => {
        const startMs = performance.now();
        const all = { selection: { all: true }, requestedBy: 'bench' };
        const { computed } = await tidemark.gold.backfill({ from: dates[0]!, to: dates.at(-1)!, ...all });
        if (computed !== days) throw new Error(`${computed} of ${days} days computed`);
        const ms = (performance.now() - startMs) / days;
        if (round > 0) ours.push(ms);
        return `goldBackfill ${ms.toFixed(1)} ms a day`;
      },
      async () => {
        const startMs = performance.now();
        for (const day of dates)
          await clickhouse.command({ query: fillStatement(database, 'bare_gold', day) });
        const ms = (performance.now() - startMs) / days;
        if (round > 0) bare.push(ms);
        return `bare ${ms.toFixed(1)} ms a day`;
      },
    ];
    if (round % 2 === 1) turns.reverse();
    for (const turn of turns) log(`round ${round}: ${await turn()}`);
  }
  await assertSame(clickhouse);
  const overhead = spread(ours.map((ms, i) => ms - (bare[i] ?? NaN)));
  return {
    bench: 'backfill',
    unit: 'days/s',
    ours: spread(ours.map((ms) => 1_000 / ms)),
    peers: { 'bare-insert-select': spread(bare.map((ms) => 1_000 / ms)) },
    ratios: { 'bare-insert-select': spread(ours.map((ms, i) => (bare[i] ?? NaN) / ms)) },
    days,
    events: big.events,
    rounds,
    overheadMsPerDay: overhead,
    limit: LIMIT_MS,
    withinLimit: overhead.median <= LIMIT_MS,
  };
}

async function fillDays(
  clickhouse: ClickHouseClient,
  round: number,
  days: number,
  { events }: BigDay,
): Promise<void> {
  await clickhouse.command({
    query: `INSERT INTO silver_events (day, event_id, user_id, event_type, ts, payload, is_deleted, version)
      SELECT toDate('${addDays(FIRST_DAY, round * days)}') + number % ${days} AS at,
             '"year-${round}-' || toString(number) || '"',
             toInt64(5000000000 + (number * 7919) % ${USERS}), ['login', 'page_view', 'purchase'][number % 3 + 1],
             toDateTime64(at, 3, 'UTC') + toIntervalSecond(number % 86400), '{}', 0, 1
      FROM numbers(${events})`,
  });
}

/** Gold holds exactly the rows that the bare statements gave for its days. */
async function assertSame(clickhouse: ClickHouseClient): Promise<void> {
  const answer = await clickhouse.query({
    query: `SELECT (SELECT (count(), sum(cityHash64(tuple(*)))) FROM gold_user_activity)
                 = (SELECT (count(), sum(cityHash64(tuple(*)))) FROM bare_gold WHERE day < '2149-01-01') AS same`,
    format: 'JSONEachRow',
  });
  const [row] = await answer.json<{ same: number }>();
  if (row?.same !== 1) throw new Error('gold is not what the bare statements give');
}
