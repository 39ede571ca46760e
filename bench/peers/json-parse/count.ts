/** The same count with `JSON.parse` in the scanner's place: `count.js <frames.jsonl>`. Lines, hash, sketches and windows are ours. */
import { createReadStream } from 'node:fs';
import { hash64 } from '../../../src/core/hash64.js';
import { UniqueSketch } from '../../../src/core/hyperloglog.js';
import { WINDOW_KINDS, windowAt } from '../../../src/core/window.js';
import { sayUsage } from '../../uniques/say-usage.js';

const windows = WINDOW_KINDS.map(() => new Map<number, UniqueSketch>());
const hash = new Uint32Array(4);
let minuteS = Number.NaN;
let current: UniqueSketch[] = [];
let frames = 0;

function count(text: string): void {
  frames += 1;
  const { ts, uid } = JSON.parse(text) as { ts: unknown; uid: unknown };
  const atS = Math.floor(Number(ts));
  if (!Number.isFinite(atS) || typeof uid !== 'string') throw new Error(`frame ${frames} cannot be counted`);
  const startS = atS - (atS % 60);
  if (startS !== minuteS) {
    minuteS = startS;
    current = WINDOW_KINDS.map((kind, k) => {
      const { startMs } = windowAt(kind, startS * 1000);
      let sketch = windows[k]!.get(startMs);
      if (sketch === undefined) windows[k]!.set(startMs, (sketch = new UniqueSketch()));
      return sketch;
    });
  }
  const id = Buffer.from(uid);
  hash64(id, 0, id.length, hash);
  for (const sketch of current) sketch.add(hash[0]!, hash[1]!);
}

let rest: Buffer = Buffer.alloc(0);
for await (const chunk of createReadStream(process.argv[2] ?? '', { highWaterMark: 1 << 20 })) {
  const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
  let from = 0;
  for (let newline; (newline = bytes.indexOf(0x0a, from)) >= 0; from = newline + 1) {
    count(bytes.toString('utf8', from, newline));
  }
  rest = bytes.subarray(from);
}
if (rest.length > 0) count(rest.toString());
sayUsage(
  frames,
  [...windows.at(-1)!.values()].reduce((sum, sketch) => sum + sketch.count, 0),
);
