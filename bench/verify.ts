import { Long } from 'mongodb';
import type { Stack } from '../infra/embedded/index.js';
import type { Check } from '../src/activities/checks/check.js';
import { eventsContent } from '../src/activities/checks/events-content.js';
import { usersContent } from '../src/activities/checks/users-content.js';
import type { Finding } from '../src/core/verification.js';
import { createEventsCollection } from '../src/provision/collections.js';
import { migrate, provision } from '../src/provision.js';
import { waitUntil } from '../src/wait-until.js';
import { CheckRunner } from '../test/support/checks.js';
import { connectPipeline, PIPELINE_SERVICES, type Pipeline } from '../test/support/pipeline.js';
import { select } from '../test/support/silver.js';
import { withStack } from '../test/support/with-stack.js';
import { spread, type Benchmark, type BenchOptions, type BenchReport } from './benchmark.js';

const USERS = 1_000_000;
const EVENTS = 100_000;
const EVENTS_A_BATCH = 1_000;
const ROUNDS = 3;
/** What verifying all users may take, ms. */
const LIMIT_MS = 60_000;
const FILL_LIMIT_MS = 10 * 60_000;

/**
 * Comparing every user and event of the sources with silver, by content: when all is equal, and when one row was changed, one
 * lost and one added. Silver is what the connectors' snapshots made of the sources.
 */
export const benchmark: Benchmark = {
  about: `content of ${USERS} users and ${EVENTS} events, source against silver`,
  run: (options) => withStack(PIPELINE_SERVICES, (stack) => measure(stack, options)),
};

async function measure(stack: Stack, options: BenchOptions): Promise<BenchReport> {
  const { scale, rounds = ROUNDS, log } = options;
  const [users, events] = [Math.round(USERS * scale), Math.round(EVENTS * scale)];
  await migrate(stack.config, () => undefined);
  const pipeline = await connectPipeline(stack);
  try {
    log(`filling both sources, then taking snapshots of them`);
    await fill(pipeline, users, events);
    await provision(stack.config, () => undefined);
    await arrived(pipeline, users, events);
    const checks = await CheckRunner.open(stack.config);
    try {
      const equal = { users: [] as number[], events: [] as number[] };
      const differing = { users: [] as number[], events: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        equal.users.push(await timed(checks, usersContent, 0));
        equal.events.push(await timed(checks, eventsContent, 0));
        log(
          `round ${round}: users ${Math.round(equal.users.at(-1)!)} ms, events ${Math.round(equal.events.at(-1)!)} ms`,
        );
      }
      const scanMs = await bareScan(pipeline, events);
      log(`reading the events without comparing them ${Math.round(scanMs)} ms`);
      await damage(pipeline);
      for (let round = 0; round < rounds; round++) {
        differing.users.push(await timed(checks, usersContent, 3));
        differing.events.push(await timed(checks, eventsContent, 3));
      }
      const rates = (times: readonly number[], rows: number) =>
        spread(times.map((ms) => (rows / ms) * 1_000));
      return {
        bench: 'verify',
        unit: 'users/s',
        ours: rates(equal.users, users),
        peers: {},
        ratios: {},
        users,
        events,
        eventsPerSecond: rates(equal.events, events),
        // How much of it is the collection's own reading: the stand-in for MongoDB is no fast one.
        eventsBareScanMs: scanMs,
        equalMs: { users: spread(equal.users), events: spread(equal.events) },
        threeDifferMs: { users: spread(differing.users), events: spread(differing.events) },
        limitMs: LIMIT_MS,
        withinLimit: Math.max(...equal.users, ...differing.users) <= LIMIT_MS,
      };
    } finally {
      await checks.close();
    }
  } finally {
    await pipeline.close();
  }
}

async function fill({ postgres, mongo, db, config }: Pipeline, users: number, events: number): Promise<void> {
  await postgres.query(
    `INSERT INTO users (user_id, full_name, email, created_at, updated_at)
     SELECT 1000 + i * 3, 'Name é ' || i, i || '@example.com', timestamptz '2020-01-01 00:00:00Z' + i * interval '1.000001 s', now()
     FROM generate_series(1, $1::int) i`,
    [users],
  );
  await createEventsCollection(mongo, config);
  const collection = db.collection<{ _id: string }>('events');
  for (let from = 0; from < events; from += EVENTS_A_BATCH) {
    const batch = Array.from({ length: Math.min(EVENTS_A_BATCH, events - from) }, (_, i) => ({
      _id: `event-${from + i}`,
      user_id: Long.fromNumber(1000 + (from + i) * 3),
      event_type: 'page_view',
      ts: new Date(Date.UTC(2026, 0, 1) + (from + i) * 1_000),
      payload: {
        page: from + i,
        referrer: { host: 'example.org', tags: ['a', 'b "c"', null], weight: 1.25 },
      },
    }));
    await collection.insertMany(batch);
  }
}

async function arrived({ clickhouse }: Pipeline, users: number, events: number): Promise<void> {
  await waitUntil(
    'the snapshots to be in silver',
    async () => {
      const [row] = await select<{ users: string; events: string }>(
        clickhouse,
        'SELECT (SELECT count() FROM users) AS users, (SELECT count() FROM events) AS events',
      );
      return Number(row?.users) === users && Number(row?.events) === events;
    },
    { timeoutMs: FILL_LIMIT_MS, everyMs: 1_000 },
  );
}

/** What the driver takes to hand over every event, ms. */
async function bareScan({ db }: Pipeline, events: number): Promise<number> {
  const startMs = performance.now();
  let seen = 0;
  for await (const document of db.collection('events').find({}, { promoteLongs: false, batchSize: 2_000 })) {
    if ('payload' in document) seen += 1;
  }
  if (seen < events) throw new Error(`reading ${seen} of ${events} events`);
  return performance.now() - startMs;
}

/** One changed, one lost, one added: as many rows as before. */
async function damage({ clickhouse }: Pipeline): Promise<void> {
  const statements = [
    "ALTER TABLE silver_users UPDATE email = 'wrong' WHERE user_id = 4000 SETTINGS mutations_sync = 2",
    'ALTER TABLE silver_users DELETE WHERE user_id = 7000 SETTINGS mutations_sync = 2',
    "INSERT INTO silver_users (user_id, full_name, email, version) VALUES (7001, 'nobody', '', 1)",
    `ALTER TABLE silver_events UPDATE payload = '{}' WHERE event_id = '"event-1"' SETTINGS mutations_sync = 2`,
    `ALTER TABLE silver_events DELETE WHERE event_id = '"event-2"' SETTINGS mutations_sync = 2`,
    `INSERT INTO silver_events (day, event_id, ts, version) VALUES ('2026-01-01', '"nobody"', '2026-01-01 00:00:01', 1)`,
  ];
  for (const query of statements) await clickhouse.command({ query });
}

async function timed(checks: CheckRunner, check: Check, differences: number): Promise<number> {
  const startMs = performance.now();
  const found = await checks.run(check);
  const ms = performance.now() - startMs;
  const counted = differencesOf(found);
  if (counted !== differences) {
    throw new Error(`${check.name} found ${counted} differences where ${differences} are: ${found.summary}`);
  }
  return ms;
}

const differencesOf = ({ evidence }: Finding): number =>
  ['missing', 'extra', 'different'].reduce((sum, kind) => sum + Number(evidence[kind]), 0);
