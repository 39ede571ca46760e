import { join } from 'node:path';
import type { Stack } from '../../infra/embedded/index.js';
import { FRAME_DEFAULTS } from '../../src/generate/frames.js';
import { packageRoot } from '../../src/package-root.js';
import { CountScene } from '../../test/chaos/count/scene.js';
import { withStack } from '../../test/support/with-stack.js';
import type { Benchmark, BenchOptions, BenchReport } from '../benchmark.js';
import { compare } from './compare.js';
import { goPeer, javaPeer } from './peers.js';
import type { Program } from './programs.js';

/**
 * Unique users of a topic of a million frames of 2 kB in four partitions, whole processes, the broker on the same machine:
 * once with every program bound to one core, once with two. Go once with the fetches its client makes by itself, once with
 * fetches as large as ours.
 */
export const benchmark: Benchmark = {
  about:
    'counting a topic of 1,000,000 frames of 2 kB: ours with checkpoints and results, Go, Java, fetching only',
  run: (options) =>
    withStack(['kafka'], async (stack) => {
      const scene = new CountScene(stack.config, 'frames');
      try {
        return await measure(stack, scene, options);
      } finally {
        await scene.close();
      }
    }),
};

async function measure(stack: Stack, scene: CountScene, options: BenchOptions): Promise<BenchReport> {
  const { scale, rounds = 5, log } = options;
  const { config, dataDir } = stack;
  const frames = Math.round(1_000_000 * scale);
  log('building the peers, filling the topic');
  const go = await goPeer(dataDir);
  const java = await javaPeer(dataDir);
  await scene.fill({ ...FRAME_DEFAULTS, frames });
  const { kafka } = config;
  const signIn = kafka.sasl ? [kafka.sasl.user, kafka.sasl.password] : [];
  const where = [kafka.brokers.join(','), 'frames', String(frames), ...signIn];
  const reports: BenchReport[] = [];
  for (const cores of [1, 2]) {
    log(`on ${cores} core(s)`);
    const fetched = JSON.stringify({ kafka, plan: await scene.plan({ job: `fetch.${cores}` }) });
    const peers: Program[] = [
      { name: 'go', command: [go, 'kafka', ...where], cores, frames },
      { name: 'go-tuned', command: [go, 'kafka-tuned', ...where], cores, frames },
      {
        name: 'java',
        command: ['java', '-Xmx1g', '-cp', java, 'bench.UniqueUsers', ...where],
        cores,
        frames,
      },
      { name: 'fetch-only', command: [process.execPath, script('fetch-topic.js'), fetched], cores, frames },
    ];
    reports.push(
      await compare({
        bench: 'uniques',
        ours: await ourProgram(stack, scene, cores, rounds, frames),
        peers,
        rounds,
        users: FRAME_DEFAULTS.users,
        ceilings: ['fetch-only'],
        log,
      }),
    );
  }
  const [one, two] = reports as [BenchReport, BenchReport];
  return { ...one, onTwoCores: { ours: two.ours, peers: two.peers, ratios: two.ratios } };
}

/** Every round is a job of its own, from nothing: as many slices as cores. */
async function ourProgram(
  stack: Stack,
  scene: CountScene,
  cores: number,
  rounds: number,
  frames: number,
): Promise<Program> {
  const orders: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const plan = await scene.plan({ job: `bench.${cores}.${round}`, slices: cores });
    orders.push(JSON.stringify({ kafka: stack.config.kafka, plan }));
  }
  return {
    name: 'tidemark',
    get command(): [string, ...string[]] {
      return [process.execPath, script('count-topic.js'), orders.shift() ?? ''];
    },
    cores,
    frames,
  };
}

const script = (name: string): string => join(packageRoot, 'dist', 'bench', 'uniques', name);
