import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FRAME_DEFAULTS, generateFrames } from '../../src/generate/frames.js';
import { packageRoot } from '../../src/package-root.js';
import type { Benchmark } from '../benchmark.js';
import { compare } from './compare.js';
import { duckdbPython, duckdbScript, goPeer, jsonParseScript } from './peers.js';
import type { Program } from './programs.js';

/** JSON.parse is slow: a tenth of the frames says as much of it. */
const JSON_PARSE_SHARE = 0.1;

/** Unique users of a file of a million frames of 2 kB, in the page cache: whole processes. */
export const benchmark: Benchmark = {
  about: 'counting a file of 1,000,000 frames of 2 kB: ours, Go, DuckDB, JSON.parse',
  async run({ scale, rounds = 5, log }) {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
    try {
      const frames = Math.round(1_000_000 * scale);
      const few = Math.round(frames * JSON_PARSE_SHARE);
      const [all, some] = [join(folder, 'frames.jsonl'), join(folder, 'few.jsonl')];
      log('building the peers, writing frames');
      await writeFrames(all, frames);
      await writeFrames(some, few);
      const [go, python] = [await goPeer(folder), await duckdbPython(folder)];
      const node = process.execPath;
      const script = join(packageRoot, 'dist', 'bench', 'uniques', 'count-file.js');
      const ours: Program = { name: 'tidemark', command: [node, script, all], frames };
      const peers: Program[] = [
        { name: 'go', command: [go, 'file', all], frames },
        { name: 'duckdb', command: [python, duckdbScript, all], frames },
      ];
      const report = await compare({
        bench: 'uniques-file',
        ours,
        peers,
        rounds,
        users: usersOf(frames),
        log,
      });
      // The same small file for both, so that starting up weighs on both.
      const parse = await compare({
        bench: 'uniques-json-parse',
        ours: { name: 'tidemark', command: [node, script, some], frames: few },
        peers: [{ name: 'json-parse', command: [node, jsonParseScript, some], frames: few }],
        rounds: Math.min(rounds, 3),
        users: usersOf(few),
        log,
      });
      const jsonParse = parse.peers['json-parse']!;
      return {
        ...report,
        peers: { ...report.peers, 'json-parse': jsonParse },
        jsonParse: {
          frames: few,
          oursOnThese: parse.ours,
          ratioOnThese: parse.ratios['json-parse'],
          // A tenth of the frames hardly outlasts our start: the rate over all of them is the fairer one.
          ratioToOursOnAll: Number((report.ours.median / jsonParse.median).toFixed(1)),
        },
      };
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

async function writeFrames(path: string, frames: number): Promise<void> {
  const file = createWriteStream(path);
  for (const { bytes } of generateFrames({ ...FRAME_DEFAULTS, frames })) {
    if (!file.write(bytes)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}
