import assert from 'node:assert/strict';
import fc from 'fast-check';
import { chunksOf, LineCutter, ROOM_BYTES } from '../../../src/cli/line-cutter.js';
import { DEFAULT_FRAME_FORMAT } from '../../../src/core/frame-scanner.js';
import { FrameReader } from '../../../src/core/frame-reader.js';

type Line = [number: number, text: string];

/** Collects the lines that are not blank; cuts with the reader, which reads frames on the way. */
function collecting(reader: FrameReader): { cutter: LineCutter; cut: Line[] } {
  const cut: Line[] = [];
  const { room } = reader;
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  const cutter = new LineCutter({
    room,
    lines: (first, start, end) => {
      const lines = reader.cut(start, end);
      for (let i = 0; i < lines; i++) {
        if (reader.line(i) === 'blank') continue;
        cut.push([first + i, text(room.subarray(reader.start, reader.end))]);
      }
      return lines;
    },
    stop: () => reader.stop,
    line: (lineNumber, bytes) => cut.push([lineNumber, text(bytes)]),
  });
  return { cutter, cut };
}

const expected = (lines: readonly string[]): Line[] =>
  lines.map((text, i): Line => [i + 1, text]).filter(([, text]) => text !== '' && text !== '\r');

describe('cli/line-cutter', () => {
  const reader = new FrameReader(DEFAULT_FRAME_FORMAT, ROOM_BYTES);

  /** As files are read: chunks in the room in turn; as pipes are: buffers from elsewhere, used again. */
  function push(cutter: LineCutter, bytes: Buffer, sizes: readonly number[], inRoom: boolean): void {
    const halves = chunksOf(reader.room);
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = sizes[turn % sizes.length]!;
      const piece = Buffer.from(bytes.subarray(at, at + size));
      if (inRoom) piece.copy(halves[turn & 1]!);
      cutter.push(inRoom ? halves[turn & 1]!.subarray(0, piece.length) : piece);
      piece.fill(0x3f);
      if (inRoom) halves[turn & 1]!.fill(0x3f, 0, piece.length);
      at += size;
    }
    cutter.end();
  }

  it('cuts the same lines whatever the chunks', () => {
    const line = fc.oneof(
      fc.stringMatching(/^[a-zé{}":]{0,12}\r?$/),
      fc.integer({ min: 1, max: 200 }).map((length) => 'x'.repeat(length)),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), sizes, fc.boolean(), (lines, ends, pieces, inRoom) => {
        const { cutter, cut } = collecting(reader);
        push(cutter, Buffer.from(lines.join('\n') + (ends ? '\n' : '')), pieces, inRoom);
        assert.deepEqual(cut, expected(lines));
      }),
    );
  });

  it('cuts thousands of lines in a chunk, and lines longer than the room between two chunks', () => {
    const lines = Array.from({ length: 3_000 }, (_, i) => (i % 7 === 0 ? '' : `{"uid":"${i}","ts":${i}}`));
    lines.splice(1_000, 0, 'y'.repeat(70_000), 'z'.repeat(3_000_000), '{"uid":1,"ts":2}', 'w'.repeat(65_536));
    for (const size of [1 << 20, 65_536, 70_001]) {
      for (const inRoom of [true, false]) {
        const { cutter, cut } = collecting(reader);
        push(cutter, Buffer.from(`${lines.join('\n')}\n`), [size], inRoom);
        assert.deepEqual(cut, expected(lines), `${size} ${inRoom}`);
      }
    }
  });

  it('keeps what a chunk leaves of a line also when the room is a Buffer, whose slices are views', () => {
    const room = Buffer.alloc(ROOM_BYTES);
    const cut: string[] = [];
    let stop = 0;
    const cutter = new LineCutter({
      room,
      lines: (_first, start, end) => {
        const newline = room.indexOf(0x0a, start);
        if (newline < 0 || newline >= end) return 0;
        cut.push(room.toString('utf8', start, newline));
        stop = newline + 1;
        return 1;
      },
      stop: () => stop,
      line: (_first, bytes) => cut.push(Buffer.from(bytes).toString()),
    });
    const halves = chunksOf(room);
    ['first\nsec', 'ond\nth', 'ird\n'].forEach((text, turn) => {
      const half = halves[turn & 1]!;
      cutter.push(half.subarray(0, half.write(text)));
      half.fill(0x3f);
    });
    assert.deepEqual(cut, ['first', 'second', 'third']);
  });

  it('refuses a file without newlines', () => {
    const { cutter } = collecting(reader);
    const chunk = Buffer.alloc(1 << 20, 0x78);
    const pushAll = () => {
      for (let i = 0; i < 66; i++) cutter.push(chunk);
    };
    assert.throws(pushAll, { code: 'LINE_TOO_LONG', message: /reading line 1: longer than 64 MiB/ });
  });
});
