import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FRAME_DEFAULTS } from '../../src/generate/frames.js';
import type { Benchmark } from '../benchmark.js';
import { piped, saidOf, tidemarkCount } from './command.js';
import { compare } from './compare.js';
import { writeFrames } from './frames-file.js';
import { duckdbPython, duckdbScript, goPeer, jsonParseScript } from './peers.js';

/** Unique users of a million frames of 2 kB, in the page cache, by the command itself: from a file, from standard input redirected and piped. */
export const benchmark: Benchmark = {
  about: 'counting a file of 1,000,000 frames of 2 kB: ours, Go, DuckDB, JSON.parse; the same through a pipe',
  async run({ scale, rounds = 5, log }) {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
    try {
      const frames = Math.round(1_000_000 * scale);
      const path = join(folder, 'frames.jsonl');
      log('building the peers, writing frames');
      await writeFrames(path, { ...FRAME_DEFAULTS, frames });
      const [go, python] = [await goPeer(folder), await duckdbPython(folder)];
      const said = (lines: readonly string[]) => saidOf(lines);
      const same = { rounds, users: usersOf(frames), log };
      const file = await compare({
        ...same,
        bench: 'uniques-file',
        ours: { name: 'tidemark', command: tidemarkCount('--file', path), frames, said },
        peers: [
          { name: 'tidemark-stdin', command: tidemarkCount('--stdin'), stdin: path, frames, said },
          { name: 'go', command: [go, 'file', path], frames },
          { name: 'duckdb', command: [python, duckdbScript, path], frames },
          { name: 'json-parse', command: [process.execPath, jsonParseScript, path], frames },
        ],
      });
      const pipe = await compare({
        ...same,
        bench: 'uniques-pipe',
        ours: { name: 'tidemark', command: piped(path, tidemarkCount('--stdin')), frames, said },
        peers: [{ name: 'go', command: piped(path, [go, 'file', '/dev/stdin']), frames }],
      });
      return { ...file, pipe: { ours: pipe.ours, peers: pipe.peers, ratios: pipe.ratios } };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** With fewer frames than users each is of a user drawn by chance. */
const usersOf = (frames: number): number =>
  frames >= FRAME_DEFAULTS.users
    ? FRAME_DEFAULTS.users
    : FRAME_DEFAULTS.users * (1 - Math.exp(-frames / FRAME_DEFAULTS.users));
