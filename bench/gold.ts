import { writeFileSync } from 'node:fs';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Stack } from '../infra/embedded/index.js';
import { fillStatement } from '../src/core/gold-sql.js';
import { compareRows, describeComparison, type Row } from '../src/generate/compare.js';
import { exactGold, fillEvents, fillUsers, type BigDay } from '../test/support/big-day.js';
import { goldRows } from '../test/support/gold.js';
import { spread, type Benchmark, type BenchOptions, type BenchReport } from './benchmark.js';
import { groupUsage } from './process-usage.js';
import { withGold, type GoldBench } from './with-gold.js';

const DAY = '2024-03-10';
const EVENTS = 10_000_000;
const USERS = 100_000;
const OTHER_DAYS = 400;
const EVENTS_OF_OTHER_DAYS = 25_000;
const ROUNDS = 5;
/** What aggregating may take of the time of the bare INSERT ... SELECT: fence, staging, INSERT, checks, replace and record. */
const LIMIT = 1.2;

/**
 * A big day among many: the whole workflow `goldDay` (barrier, fence, staging, checks, replace, record) against the bare
 * INSERT ... SELECT that it runs inside, on the same ClickHouse, taking turns.
 */
export const benchmark: Benchmark = {
  about: `goldDay of a day of ${EVENTS} events among ${OTHER_DAYS} other days, against its bare INSERT ... SELECT`,
  run: (options) => withGold((gold) => measure(gold, options)),
};

async function measure(
  { stack, tidemark, clickhouse }: GoldBench,
  { scale, rounds = ROUNDS, log }: BenchOptions,
): Promise<BenchReport> {
  const big: BigDay = { day: DAY, events: Math.round(EVENTS * scale), users: Math.round(USERS * scale) };
  log(`filling ${OTHER_DAYS} days, then one of ${big.events} events`);
  await fillOtherDays(clickhouse, big, Math.round(EVENTS_OF_OTHER_DAYS * scale));
  await fillUsers(clickhouse, big);
  await fillEvents(clickhouse, big);
  await clickhouse.command({ query: 'CREATE TABLE bare_gold AS gold_user_activity' });
  const ours: Sample[] = [];
  const attempts: number[] = [];
  const bare: Sample[] = [];
  // The first round warms both up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const turns = [
      async () => {
        const sample = await sampled(stack, async () => {
          const run = await tidemark.gold.run({ day: DAY, force: true });
          if (round > 0) attempts.push(run.durationMs);
        });
        if (round > 0) ours.push(sample);
        return `goldDay ${Math.round(sample.ms)} ms`;
      },
      async () => {
        await clickhouse.command({ query: 'TRUNCATE TABLE bare_gold' });
        const query = fillStatement(stack.config.clickhouse.database, 'bare_gold', DAY);
        const sample = await sampled(stack, () => clickhouse.command({ query }));
        if (round > 0) bare.push(sample);
        return `bare ${Math.round(sample.ms)} ms`;
      },
    ];
    if (round % 2 === 1) turns.reverse();
    for (const turn of turns) log(`round ${round}: ${await turn()}`);
  }
  const found = compareRows(exactGold(big) as unknown as Row[], await goldRows(clickhouse, DAY), 'user_id');
  if (!found.equal) throw new Error(`gold is not the exact answer: ${describeComparison(found)}`);
  const toBare = (times: readonly number[]) => spread(times.map((ms, i) => ms / (bare[i]?.ms ?? NaN)));
  const aggregating = toBare(attempts);
  const wholeRun = toBare(ours.map(({ ms }) => ms));
  return {
    bench: 'gold',
    unit: 'events/s',
    ours: ratesOf(ours, big.events),
    peers: { 'bare-insert-select': ratesOf(bare, big.events) },
    ratios: { 'bare-insert-select': spread(ours.map(({ ms }, i) => (bare[i]?.ms ?? NaN) / ms)) },
    events: big.events,
    rows: found.actualRows,
    otherDays: OTHER_DAYS,
    rounds,
    // Times, ours to bare: of aggregating alone, and from the call to its answer. In between lies the wait for silver to be
    // complete, which takes as long for an empty day.
    timeRatio: { aggregating, wholeRun },
    limit: LIMIT,
    withinLimit: aggregating.median <= LIMIT,
  };
}

interface Sample {
  readonly ms: number;
  /** Of the ClickHouse server. */
  readonly cpuMs: number;
  readonly peakRssMb: number;
}

async function sampled(stack: Stack, work: () => Promise<unknown>): Promise<Sample> {
  const { pid } = stack.service('clickhouse');
  // Sets the peak back to what is resident now: proc(5), clear_refs.
  if (process.platform === 'linux') writeFileSync(`/proc/${pid}/clear_refs`, '5');
  const before = groupUsage(pid);
  const startMs = performance.now();
  await work();
  const ms = performance.now() - startMs;
  const after = groupUsage(pid);
  return { ms, cpuMs: (after?.cpuMs ?? NaN) - (before?.cpuMs ?? NaN), peakRssMb: after?.peakRssMb ?? NaN };
}

const ratesOf = (samples: readonly Sample[], events: number) => ({
  ...spread(samples.map(({ ms }) => (events / ms) * 1_000)),
  cpuPerUnitNs: spread(samples.map(({ cpuMs }) => (cpuMs * 1e6) / events)).median,
  peakRssMb: Math.max(...samples.map(({ peakRssMb }) => peakRssMb)),
});

async function fillOtherDays(clickhouse: ClickHouseClient, { users }: BigDay, perDay: number): Promise<void> {
  await clickhouse.command({
    query: `INSERT INTO silver_events (day, event_id, user_id, event_type, ts, payload, is_deleted, version)
      SELECT toDate('${DAY}') - 200 + intDiv(number, ${perDay}) + (intDiv(number, ${perDay}) >= 200) AS at,
             '"other-' || toString(number) || '"', toInt64(5000000000 + number % ${users}), 'login',
             toDateTime64(at, 3, 'UTC'), '{}', 0, 1
      FROM numbers(${OTHER_DAYS * perDay})`,
  });
}
