/** The same count with `JSON.parse` in the scanner's place: `count.js <frames.jsonl>`. Lines, hash, sketches and windows are ours. */
import { openFile } from '../../../src/cli/count-input.js';
import { LineCutter, ROOM_BYTES } from '../../../src/cli/line-cutter.js';
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

const room = Buffer.alloc(ROOM_BYTES);
let stop = 0;
const cutter = new LineCutter({
  room,
  lines: (_lineNumber, start, end) => {
    const newline = room.indexOf(0x0a, start);
    if (newline < 0 || newline >= end) return 0;
    count(room.toString('utf8', start, newline));
    stop = newline + 1;
    return 1;
  },
  stop: () => stop,
  line: (_lineNumber, bytes) => count(Buffer.from(bytes).toString()),
});
const input = await openFile(process.argv[2] ?? '');
for await (const chunk of input.chunks(room)) cutter.push(chunk);
cutter.end();
sayUsage(
  frames,
  [...windows.at(-1)!.values()].reduce((sum, sketch) => sum + sketch.count, 0),
);
