import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Stack } from '../../infra/embedded/index.js';
import { packageRoot } from '../../src/package-root.js';
import type { CleanPlan, JobReport } from '../../src/messages.js';
import type { JobOrder } from '../../test/chaos/job/order.js';
import { CleanScene } from '../../test/chaos/clean/scene.js';
import { PARTITIONS } from '../../test/chaos/job/scene.js';
import { withStack } from '../../test/support/with-stack.js';
import { percentile, type Benchmark, type BenchOptions, type BenchReport } from '../benchmark.js';
import { groupUsage } from '../process-usage.js';
import { CleanMeter } from './meter.js';

const RATE = 5_000;
const SECONDS = 600;
/** Away from the beginning, ms: processes start, and code is compiled. */
const WARM_UP_MS = 5_000;

/**
 * Logins at 5,000 a second for ten minutes, cleaned as they come: generator, broker, one slice, merge stage and the reader
 * that measures all share the machine. Lag: from a message's time of arrival until a read_committed reader of the clean topic
 * has its record.
 */
export const benchmark: Benchmark = {
  about: `cleaning ${RATE} logins a second live for ${SECONDS} s: lag of the clean topic, CPU and memory`,
  run: (options) =>
    withStack(['kafka'], async (stack) => {
      const scene = new CleanScene(stack.config, 'live-login');
      try {
        return await measure(stack, scene, options);
      } finally {
        await scene.close();
      }
    }),
};

async function measure(stack: Stack, scene: CleanScene, { scale, log }: BenchOptions): Promise<BenchReport> {
  const messages = Math.round(RATE * SECONDS * scale);
  await scene.openTopic();
  const plan = await scene.plan({ job: 'live', bounded: false });
  const slice = part(stack, plan, 0);
  const merge = part(stack, plan, 'merge');
  const generator = spawn(
    process.execPath,
    [
      join(packageRoot, 'dist', 'src', 'cli', 'main.js'),
      ...[
        '--data-dir',
        stack.dataDir,
        'generate',
        'logins',
        '--continuous',
        '--topic',
        'live-login',
        '--json',
      ],
      ...['--rate', String(RATE), '--messages', String(messages)],
    ],
    { detached: true, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const startedMs = Date.now();
  const meter = new CleanMeter(scene.connection, plan.clean.topic, PARTITIONS, startedMs + WARM_UP_MS);
  const usage = { slice: groupUsage(slice.child.pid!), merge: groupUsage(merge.child.pid!) };
  try {
    const metering = meter.run();
    const told = setInterval(() => {
      usage.slice = groupUsage(slice.child.pid!) ?? usage.slice;
      usage.merge = groupUsage(merge.child.pid!) ?? usage.merge;
      log(`${meter.records} clean records`);
    }, 10_000);
    const [exitCode] = (await once(generator, 'exit')) as [number];
    const generatedMs = Date.now() - startedMs;
    if (exitCode !== 0) throw new Error(`the generator ended with ${exitCode}`);
    await slice.until(({ counts }) => readOf(counts) >= messages);
    clearInterval(told);
    meter.stop();
    await metering;
    const elapsedS = (Date.now() - startedMs) / 1_000;
    const counts = slice.newest!.counts;
    const perSecond = Math.round((1_000 * messages) / generatedMs);
    const of = (one: { cpuMs: number; peakRssMb: number } | undefined) =>
      one && { cores: Number((one.cpuMs / 1_000 / elapsedS).toFixed(2)), peakRssMb: one.peakRssMb };
    const lags = [...meter.lagsMs].sort((a, b) => a - b);
    return {
      bench: 'logins',
      unit: 'messages/s',
      ours: { median: perSecond, min: perSecond, max: perSecond },
      peers: {},
      ratios: {},
      messages,
      seconds: Math.round(elapsedS),
      lagMs: {
        p50: Math.round(percentile(lags, 50)),
        p99: Math.round(percentile(lags, 99)),
        max: Math.round(meter.maxMs),
      },
      slice: of(usage.slice),
      merge: of(usage.merge),
      identityHolds: readOf(counts) === messages,
      mergeCounts: merge.newest?.counts,
    };
  } finally {
    await Promise.all([generator, slice.child, merge.child].map(end));
  }
}

interface Part {
  readonly child: ChildProcess;
  readonly newest: JobReport | undefined;
  readonly until: (holds: (report: JobReport) => boolean) => Promise<void>;
}

/** A slice, or the merge stage, in a process of its own, which says how far it is at every commit. */
function part(stack: Stack, plan: CleanPlan, name: JobReport['part']): Part {
  const limits = { lapMs: 24 * 3_600_000 };
  const order: JobOrder = {
    kafka: stack.config.kafka,
    job: { kind: 'clean', plan },
    part: name,
    ends: null,
    limits,
  };
  const worker = join(packageRoot, 'dist', 'bench', 'logins', 'part.js');
  const child = spawn(process.execPath, [worker, JSON.stringify(order)], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const state = { newest: undefined as JobReport | undefined, heard: (): void => undefined };
  child.on('message', (report: JobReport) => {
    state.newest = report;
    state.heard();
  });
  return {
    child,
    get newest() {
      return state.newest;
    },
    until: (holds) =>
      new Promise((resolve, reject) => {
        child.once('exit', (code) => reject(new Error(`part ${name} ended with ${code}`)));
        state.heard = () => {
          if (state.newest !== undefined && holds(state.newest)) resolve();
        };
        state.heard();
      }),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const readOf = (counts: Readonly<Record<string, number>>): number =>
  Object.entries(counts).reduce((sum, [name, count]) => (name.endsWith('/read') ? sum + count : sum), 0);
