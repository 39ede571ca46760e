import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FrameReader } from '../../src/core/frame-reader.js';
import { DEFAULT_COUNT_RULES } from '../../src/core/count-rules.js';
import { UniquesSlice } from '../../src/core/uniques-slice.js';
import { FRAME_DEFAULTS } from '../../src/generate/frames.js';
import { spread, type Benchmark } from '../benchmark.js';
import { writeFrames } from './frames-file.js';

const FRAMES = 500_000;
/** Read and worked on in turn, as the command does. */
const STEP_BYTES = 1 << 20;
/** The longest line by far. */
const TAIL_BYTES = 16 << 10;

/** What is done with the lines that a step of reading completed, in `room[from, end)`. Returns where the next line begins. */
type Stage = (reader: FrameReader, from: number, end: number) => number;

/**
 * Where the time of a frame goes, in one thread and from the page cache: every stage does what those before it do, and more, so
 * that their differences are its cost. Warm: starting Node and compiling are left out.
 */
export const benchmark: Benchmark = {
  about:
    'what of a frame costs what: reading, finding lines, scanning and hashing, deciding and counting; JSON.parse for scanning',
  run({ scale, rounds = 7, log }) {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
    return measure(join(folder, 'frames.jsonl'), Math.round(FRAMES * scale), rounds, log).finally(() =>
      rmSync(folder, { recursive: true, force: true }),
    );
  },
};

async function measure(path: string, frames: number, rounds: number, log: (line: string) => void) {
  await writeFrames(path, { ...FRAME_DEFAULTS, frames });
  const stages = {
    read: () => readOnly,
    lines: () => linesOnly,
    scan: () => cutAll,
    count: counting,
    'json-parse': () => parsing,
  } as const;
  const found = new Map<string, number[]>(Object.keys(stages).map((name) => [name, []]));
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, stage] of Object.entries(stages)) {
      const startedMs = performance.now();
      walk(path, name === 'lines', stage());
      if (round > 0) found.get(name)!.push((1e6 * (performance.now() - startedMs)) / frames);
    }
  }
  const ns = Object.fromEntries([...found].map(([name, all]) => [name, Math.round(spread(all).median)]));
  const { read = 0, lines = 0, scan = 0, count = 0, 'json-parse': parse = 0 } = ns;
  const shares = {
    reading: read / count,
    'finding lines': (lines - read) / count,
    'scanning and hashing': (scan - lines) / count,
    'deciding and counting': (count - scan) / count,
  };
  for (const [name, share] of Object.entries(shares)) log(`${name}: ${(100 * share).toFixed(0)} %`);
  log(
    `${count} ns a frame; JSON.parse takes ${parse - lines} ns where scanning and hashing take ${scan - lines}`,
  );
  return {
    bench: 'uniques-stages',
    unit: 'frames/s',
    ours: spread(found.get('count')!.map((one) => Math.round(1e9 / one))),
    peers: {},
    ratios: {},
    nsPerFrame: ns,
    shares: Object.fromEntries(
      Object.entries(shares).map(([name, share]) => [name, Number(share.toFixed(3))]),
    ),
  };
}

/** Reads the file into a reader's room, step by step, what was not used up before what comes. */
function walk(path: string, isBare: boolean, stage: Stage): void {
  const { format } = DEFAULT_COUNT_RULES;
  // Strict frames are not for the module: it cuts lines then, and looks at nothing in them.
  const reader = new FrameReader({ ...format, strict: isBare }, TAIL_BYTES + STEP_BYTES);
  const { room } = reader;
  const fd = openSync(path, 'r');
  try {
    const { size } = statSync(path);
    for (let at = 0, kept = 0; at < size;) {
      const got = readSync(fd, room, kept, STEP_BYTES, at);
      at += got;
      const end = kept + got;
      const next = stage(reader, 0, end);
      room.copyWithin(0, next, end);
      kept = end - next;
    }
  } finally {
    closeSync(fd);
  }
}

const readOnly: Stage = (_reader, _from, end) => end;

const cutAll: Stage = (reader, from, end) => {
  while (reader.cut(from, end) > 0) from = reader.stop;
  return from;
};
const linesOnly = cutAll;

function counting(): Stage {
  const slice = new UniquesSlice([0], DEFAULT_COUNT_RULES, () => undefined);
  let read = 0;
  return (reader, from, end) => {
    for (; reader.cut(from, end) > 0; from = reader.stop) {
      slice.lines(0, read, reader);
      read += reader.count;
    }
    return from;
  };
}

const parsing: Stage = ({ room }, from, end) => {
  const bytes = Buffer.from(room.buffer, room.byteOffset, room.byteLength);
  for (let newline; (newline = bytes.indexOf(0x0a, from)) >= 0 && newline < end; from = newline + 1) {
    const { ts, uid } = JSON.parse(bytes.toString('utf8', from, newline)) as { ts: unknown; uid: unknown };
    if (ts === undefined || uid === undefined) throw new Error('a frame without ts or uid');
  }
  return from;
};
