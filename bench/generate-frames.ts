import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.js';
import { spread, type Benchmark } from './benchmark.js';

const FRAMES = 1_000_000;
/** What `tidemark generate frames` is to reach, frames a second. */
const WANTED = 200_000;

/** Frames of 2 kB written to /dev/null by `tidemark generate frames`: the whole process, its start included. */
export const benchmark: Benchmark = {
  about: `writing ${FRAMES} frames of 2 kB to /dev/null, wanted ${WANTED} a second`,
  async run({ scale, rounds = 5, log }) {
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const rate = await generate(Math.round(FRAMES * scale));
      log(`${Math.round(rate)} frames/s`);
      rates.push(rate);
    }
    return {
      bench: 'generate-frames',
      unit: 'frames/s',
      ours: spread(rates.map(Math.round)),
      peers: {},
      ratios: { wanted: spread(rates.map((rate) => Number((rate / WANTED).toFixed(2)))) },
    };
  },
};

/** @returns frames per second. */
async function generate(frames: number): Promise<number> {
  const main = join(packageRoot, 'dist', 'src', 'cli', 'main.js');
  const args = [main, 'generate', 'frames', '--frames', String(frames), '--out', '/dev/null'];
  const startedMs = performance.now();
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`generating frames ended with ${String(code)}`);
  return (1_000 * frames) / (performance.now() - startedMs);
}
