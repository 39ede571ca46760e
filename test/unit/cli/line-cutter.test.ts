import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LineCutter, ROOM_BYTES } from '../../../src/cli/line-cutter.js';
import { DEFAULT_FRAME_FORMAT } from '../../../src/core/frame-scanner.js';
import { FrameReader } from '../../../src/core/frame-reader.js';
import { expectedLines, LineCollector } from './lines.js';

describe('cli/line-cutter', () => {
  const reader = new FrameReader(DEFAULT_FRAME_FORMAT, ROOM_BYTES);

  /** As pipes are read: each piece valid until the next. */
  function cut(bytes: Buffer, sizes: readonly number[]) {
    const cutter = new LineCutter(reader);
    const collector = new LineCollector();
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = sizes[turn % sizes.length]!;
      const piece = Buffer.from(bytes.subarray(at, at + size));
      for (const lines of cutter.push(piece)) collector.take(lines);
      piece.fill(0x3f);
      at += size;
    }
    for (const lines of cutter.end()) collector.take(lines);
    return collector.lines;
  }

  it('cuts the same lines whatever the pieces', () => {
    const line = fc.oneof(
      fc.stringMatching(/^[a-zé{}":]{0,12}\r?$/),
      fc.integer({ min: 1, max: 200 }).map((length) => 'x'.repeat(length)),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), sizes, (lines, ends, pieces) => {
        assert.deepEqual(
          cut(Buffer.from(lines.join('\n') + (ends ? '\n' : '')), pieces),
          expectedLines(lines),
        );
      }),
    );
  });

  it('cuts thousands of lines in a piece, and lines longer than the room between two', () => {
    const lines = Array.from({ length: 3_000 }, (_, i) => (i % 7 === 0 ? '' : `{"uid":"${i}","ts":${i}}`));
    lines.splice(1_000, 0, 'y'.repeat(70_000), 'z'.repeat(3_000_000), '{"uid":1,"ts":2}', 'w'.repeat(65_536));
    for (const size of [1 << 20, 65_536, 70_001, 5_000_000]) {
      assert.deepEqual(cut(Buffer.from(`${lines.join('\n')}\n`), [size]), expectedLines(lines), String(size));
    }
  });

  it('refuses a file without newlines', () => {
    const cutter = new LineCutter(reader);
    const piece = Buffer.alloc(1 << 20, 0x78);
    const pushAll = () => {
      for (let i = 0; i < 66; i++) assert.deepEqual([...cutter.push(piece)], []);
    };
    assert.throws(pushAll, { code: 'LINE_TOO_LONG' });
  });
});
