import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UniqueUsersResult } from '../../src/core/uniques-result.js';
import type { ExactCount } from '../../src/generate/frames-answer.js';
import { FRAME_DEFAULTS } from '../../src/generate/frames.js';
import { CountScene } from '../../test/chaos/count/scene.js';
import { withStack } from '../../test/support/with-stack.js';
import { spread, type Benchmark, type BenchReport } from '../benchmark.js';
import { distFile, piped, resultsOf, saidOf, tidemarkCount } from './command.js';
import { writeFrames } from './frames-file.js';
import { run, type Program, type Run } from './programs.js';

const FRAMES = 10_000_000;
const DAYS = 730;
/** What counting them may take, MiB. */
const MEMORY_LIMIT_MB = 300;
/** Estimates further off than so many standard errors are wrong: of a million windows some hundred are dense. */
const MOST_SIGMAS = 5;

/** Two years of small frames in one go, by the command from a file and through a pipe, and from a topic; every window against the exact answer. */
export const benchmark: Benchmark = {
  about: `counting ${FRAMES} frames of 60 bytes over ${DAYS} days: file, pipe, topic; memory, and every window against the exact answer`,
  run: ({ scale, log }) =>
    withStack(['kafka'], async ({ config }) => {
      const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
      const scene = new CountScene(config, 'history');
      try {
        const frames = Math.round(FRAMES * scale);
        const perSecond = FRAMES / (DAYS * 86_400);
        const shape = { ...FRAME_DEFAULTS, frames, bytes: 60, perSecond };
        const path = join(folder, 'frames.jsonl');
        log('writing frames, to a file and to a topic');
        const exact = await writeFrames(path, shape);
        await scene.fill(shape);
        const plan = await scene.plan({ job: 'history' });
        const order = JSON.stringify({ kafka: config.kafka, plan });
        const found = new Map<string, Found>();
        const judge = (name: string, ran: Run, results: Iterable<UniqueUsersResult>): void => {
          const judged = { ...ran, ...against(exact, results) };
          found.set(name, judged);
          log(
            `${name}: ${Math.round(ran.framesPerSecond)} frames/s, ${ran.peakRssMb} MB, ${judged.windows} windows, ${judged.wrong} wrong`,
          );
        };
        for (const input of ['file', 'pipe'] as const) {
          let results: UniqueUsersResult[] = [];
          const said = (lines: readonly string[]) => {
            results = resultsOf(lines);
            return saidOf(lines, results);
          };
          const command =
            input === 'file' ? tidemarkCount('--file', path) : piped(path, tidemarkCount('--stdin'));
          judge(input, await run({ name: input, command, frames, said }), results);
        }
        const topic: Program = {
          name: 'topic',
          command: [process.execPath, distFile('bench', 'uniques', 'count-topic.js'), order],
          frames,
        };
        const ran = await run(topic);
        judge('topic', ran, (await scene.outcome(plan)).newest.values());
        return report([...found]);
      } finally {
        await scene.close();
        rmSync(folder, { recursive: true, force: true });
      }
    }),
};

type Found = Run & ReturnType<typeof against>;

/** The newest result of every window against the exact answer. */
function against(exact: ReadonlyMap<string, ExactCount>, results: Iterable<UniqueUsersResult>) {
  const newest = new Map<string, UniqueUsersResult>();
  for (const result of results) newest.set(`${result.window}/${result.start}`, result);
  let wrong = 0;
  let worstSigmas = 0;
  for (const [key, { users, frames }] of exact) {
    const result = newest.get(key);
    const off = Math.abs((result?.users ?? 0) / users - 1);
    const sigmas = off === 0 ? 0 : off / (result?.error ?? 0);
    if (sigmas > MOST_SIGMAS || result?.frames !== frames || result.status === 'provisional') wrong += 1;
    else worstSigmas = Math.max(worstSigmas, sigmas);
  }
  wrong += [...newest.keys()].filter((key) => !exact.has(key)).length;
  return { windows: newest.size, wrong, worstSigmas: Number(worstSigmas.toFixed(2)) };
}

function report(found: readonly (readonly [string, Found])[]): BenchReport {
  const all = found.map(([, one]) => one);
  const peakRssMb = Math.max(...all.map((one) => one.peakRssMb));
  return {
    bench: 'uniques-history',
    unit: 'frames/s',
    ours: { ...spread(all.map(({ framesPerSecond }) => Math.round(framesPerSecond))), peakRssMb },
    peers: {},
    ratios: {},
    inputs: Object.fromEntries(
      found.map(([name, { framesPerSecond, peakRssMb: peak, cpuMs, windows, wrong, worstSigmas }]) => [
        name,
        { framesPerSecond: Math.round(framesPerSecond), cpuMs, peakRssMb: peak, windows, wrong, worstSigmas },
      ]),
    ),
    memoryLimitMb: MEMORY_LIMIT_MB,
    withinLimit: peakRssMb < MEMORY_LIMIT_MB,
    exact: all.every(({ wrong }) => wrong === 0),
  };
}
