import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreeBase, startStack, type Stack } from '../../infra/embedded/index.js';
import { MONGO_CONNECTOR, POSTGRES_CONNECTOR } from '../../src/core/names.js';
import { checkSilver } from '../../src/generate/check.js';
import { describeComparison } from '../../src/generate/compare.js';
import { generateAll } from '../../src/generate/generate.js';
import { eventOptions, userOptions } from '../../src/generate/options.js';
import type { Generated } from '../../src/generate/run.js';
import { waitUntil } from '../../src/wait-until.js';
import { openPipeline, PIPELINE_SERVICES, type Pipeline } from '../../test/support/pipeline.js';
import { select } from '../../test/support/silver.js';
import { spread, type Benchmark, type BenchOptions, type BenchReport } from '../benchmark.js';
import { groupUsage } from '../process-usage.js';
import { probeLatency } from './latency.js';

const USERS = 100_000;
const EVENTS = 1_000_000;
const SPAN = { from: '2026-11-01', days: 7 } as const;
/** Operations a second while latency is measured under load. */
const LOAD = 1_000;
const DRAIN_LIMIT_MS = 30 * 60_000;

/**
 * The way from the sources to silver: latency from commit to readable, at rest and under a steady load; and the rate at
 * which a backlog of a million rows passes, which must then be in silver row by row.
 */
export const benchmark: Benchmark = {
  about: '100,000 users and 1,000,000 events from the sources to silver',
  async run(options) {
    const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
    const portBase = await findFreeBase(22_000, 32_000);
    const stack = await startStack({ dataDir, portBase, services: PIPELINE_SERVICES });
    try {
      return await measure(stack, options);
    } finally {
      await stack.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
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
  const expected = messagesOf(users) + messagesOf(events);
  log(`${expected} messages wait at the sources`);
  const before = await bronzeRows(pipeline);
  const usageBefore = usage(stack);
  const startedMs = performance.now();
  for (const name of connectors) await connect.resume(name);
  const arrived = async () => (await bronzeRows(pipeline)) - before >= expected;
  await waitUntil('the backlog to pass', arrived, { timeoutMs: DRAIN_LIMIT_MS, everyMs: 250 });
  const elapsedMs = performance.now() - startedMs;
  const usageAfter = usage(stack);
  log('comparing silver with the exact answer');
  const checks = await checkSilver(pipeline.clickhouse, config.clickhouse.database, answer);
  for (const { table, result } of checks) {
    if (!result.equal) throw new Error(`${table} after the backlog: ${describeComparison(result)}`);
  }
  return {
    rowsPerSecond: Math.round((expected / elapsedMs) * 1_000),
    messages: expected,
    elapsedMs: Math.round(elapsedMs),
    compared: checks.map(({ table, result }) => `${table}: ${describeComparison(result)}`),
    services: usageAfter.map(({ name, cpuMs, peakRssMb }, i) => ({
      name,
      cpuPerRowUs: Math.round(((cpuMs - (usageBefore[i]?.cpuMs ?? 0)) / expected) * 1e5) / 100,
      peakRssMb,
    })),
  };
}

/** A changed key is a delete and an insert. */
const messagesOf = ({ writtenOperations, operations }: Generated): number =>
  writtenOperations + (operations.changeKey ?? 0);

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
