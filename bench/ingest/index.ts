import type { Stack } from '../../infra/embedded/index.js';
import { CANARY_EVENT_PREFIX, CANARY_USER_ID } from '../../src/core/ids.js';
import {
  EVENTS_GROUP,
  EVENTS_TOPIC,
  MONGO_CONNECTOR,
  POSTGRES_CONNECTOR,
  USERS_GROUP,
  USERS_TOPIC,
} from '../../src/core/names.js';
import { checkSilver } from '../../src/generate/check.js';
import { describeComparison } from '../../src/generate/compare.js';
import { generateAll } from '../../src/generate/generate.js';
import { eventOptions, userOptions } from '../../src/generate/options.js';
import { arrived } from '../../src/provision/cut.js';
import { waitUntil } from '../../src/wait-until.js';
import { openPipeline, PIPELINE_SERVICES, type Pipeline } from '../../test/support/pipeline.js';
import { select } from '../../test/support/silver.js';
import { withStack } from '../../test/support/with-stack.js';
import { spread, type Benchmark, type BenchOptions, type BenchReport } from '../benchmark.js';
import { groupUsage } from '../process-usage.js';
import { probeLatency } from './latency.js';

const USERS = 100_000;
const EVENTS = 1_000_000;
const SPAN = { from: '2026-11-01', days: 7 } as const;
/** Operations a second while latency is measured under load. */
const LOAD = 1_000;
const DRAIN_LIMIT_MS = 30 * 60_000;
const TELL_EVERY_MS = 15_000;

/**
 * The way from the sources to silver: latency from commit to readable, at rest and under a steady load; and the rate at
 * which a backlog of a million rows passes, which must then be in silver row by row.
 */
export const benchmark: Benchmark = {
  about: '100,000 users and 1,000,000 events from the sources to silver',
  run: (options) => withStack(PIPELINE_SERVICES, (stack) => measure(stack, options)),
};

async function measure(stack: Stack, { scale, log }: BenchOptions): Promise<BenchReport> {
  const pipeline = await openPipeline(stack);
  try {
    log('latency at rest');
    const atRest = await probeLatency(pipeline);
    const { rowsPerSecond, ...backlog } = await drainBacklog(stack, pipeline, scale, log);
    log(`latency while ${LOAD} operations/s are written`);
    const underLoad = await whileWriting(pipeline, () => probeLatency(pipeline));
    const latencyMs = { atRest, underLoad };
    return {
      bench: 'ingest',
      unit: 'rows/s',
      ours: spread([rowsPerSecond]),
      peers: {},
      ratios: {},
      ...backlog,
      latencyMs,
    };
  } finally {
    await pipeline.close();
  }
}

/** Fills the sources while no connector runs, then measures how fast what waits there passes. */
async function drainBacklog(stack: Stack, pipeline: Pipeline, scale: number, log: BenchOptions['log']) {
  const { config, connect } = pipeline;
  const connectors = [POSTGRES_CONNECTOR, MONGO_CONNECTOR];
  for (const name of connectors) await connect.pause(name);
  const span = { ...SPAN, seed: 1 };
  const few = { updateShare: 0.001, deleteShare: 0.001, moveShare: 0.001, lateShare: 0 };
  const { users, events, answer } = await generateAll(
    config,
    {
      users: userOptions({ ...span, users: Math.round(USERS * scale) }),
      events: eventOptions({ ...span, ...few, events: Math.round(EVENTS * scale) }),
    },
    { onProgress: (source, written) => written % 100_000 === 0 && log(`${source}: ${written} written`) },
  );
  log(`${users.writtenOperations + events.writtenOperations} operations wait at the sources`);
  await markEnd(pipeline);
  const before = await bronzeRows(pipeline);
  const usageBefore = usage(stack);
  const startedMs = performance.now();
  for (const name of connectors) await connect.resume(name);
  await endArrived(pipeline, async () =>
    log(`${(await bronzeRows(pipeline)) - before} messages have arrived`),
  );
  const elapsedMs = performance.now() - startedMs;
  const messages = (await bronzeRows(pipeline)) - before;
  const usageAfter = usage(stack);
  log('comparing silver with the exact answer');
  const checks = await checkSilver(pipeline.clickhouse, config.clickhouse.database, answer);
  for (const { table, result } of checks) {
    if (!result.equal) throw new Error(`${table} after the backlog: ${describeComparison(result)}`);
  }
  return {
    rowsPerSecond: Math.round((messages / elapsedMs) * 1_000),
    messages,
    elapsedMs: Math.round(elapsedMs),
    compared: checks.map(({ table, result }) => `${table}: ${describeComparison(result)}`),
    services: usageAfter.map(({ name, cpuMs, peakRssMb }, i) => ({
      name,
      cpuPerRowUs: Math.round(((cpuMs - (usageBefore[i]?.cpuMs ?? 0)) / messages) * 1e5) / 100,
      peakRssMb,
    })),
  };
}

const MARK = `${CANARY_EVENT_PREFIX}backlog-end`;

/** Both sources' streams are in order: once these are in silver, the topics hold all that was written before. */
async function markEnd({ postgres, db }: Pipeline): Promise<void> {
  await postgres.query('UPDATE users SET full_name = $2 WHERE user_id = $1', [CANARY_USER_ID, MARK]);
  const mark = { _id: MARK, user_id: null, event_type: 'canary', ts: new Date(0), payload: {} };
  await db.collection<{ _id: string }>('events').insertOne(mark);
}

/** Both marks in silver, and the Kafka tables past what the topics held then: messages of other partitions may be behind. */
async function endArrived({ clickhouse, config }: Pipeline, onWait: () => Promise<void>): Promise<void> {
  let toldMs = performance.now();
  const marked = async (): Promise<boolean> => {
    if (performance.now() - toldMs > TELL_EVERY_MS) {
      toldMs = performance.now();
      await onWait();
    }
    const [row] = await select<{ marks: string }>(
      clickhouse,
      `SELECT (SELECT count() FROM silver_users FINAL WHERE user_id = ${CANARY_USER_ID} AND full_name = '${MARK}')
            + (SELECT count() FROM silver_events FINAL WHERE day = '1970-01-01' AND event_id = '"${MARK}"') AS marks`,
    );
    return row?.marks === '2';
  };
  await waitUntil('the backlog to pass', marked, { timeoutMs: DRAIN_LIMIT_MS, everyMs: 100 });
  await Promise.all([arrived(config, USERS_TOPIC, USERS_GROUP), arrived(config, EVENTS_TOPIC, EVENTS_GROUP)]);
}

async function bronzeRows({ clickhouse }: Pipeline): Promise<number> {
  const query = `SELECT (SELECT count() FROM bronze_users) + (SELECT count() FROM bronze_events WHERE NOT startsWith(event_id, '"tidemark-canary:')) AS rows`;
  const [row] = await select<{ rows: string }>(clickhouse, query);
  return Number(row?.rows ?? 0);
}

const usage = (stack: Stack) =>
  stack.services.map((name) => ({
    name,
    ...(groupUsage(stack.service(name).pid) ?? { cpuMs: 0, peakRssMb: 0 }),
  }));

async function whileWriting<T>({ config }: Pipeline, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const span = { ...SPAN, seed: 2 };
  const writing = generateAll(
    config,
    { users: userOptions({ ...span, users: 10_000 }), events: eventOptions({ ...span, events: 100_000 }) },
    { rate: LOAD, signal: stop.signal, continuous: true },
  );
  try {
    return await Promise.race([
      work(),
      writing.then(() => Promise.reject(new Error('the load ended early'))),
    ]);
  } finally {
    stop.abort();
    await writing;
  }
}
