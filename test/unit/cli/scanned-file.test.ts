import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import fc from 'fast-check';
import { PieceScanner } from '../../../src/cli/piece-scanner.js';
import { MOST_AHEAD, PieceScans } from '../../../src/cli/piece-scans.js';
import { scanFile } from '../../../src/cli/scanned-file.js';
import { DEFAULT_FRAME_FORMAT } from '../../../src/core/frame-scanner.js';
import { waitUntil } from '../../../src/wait-until.js';
import { expectedLines, LineCollector } from './lines.js';

/** Of one counted field. */
const WORDS_A_LINE = 8;

describe('cli/scanned-file', function () {
  this.timeout(60_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'tidemark-scan-'))));
  after(() => rmSync(folder, { recursive: true }));

  async function scanned(text: string, pieceBytes?: number) {
    const path = join(folder, 'frames.jsonl');
    writeFileSync(path, text);
    const file = await open(path);
    const collector = new LineCollector();
    try {
      const { size } = await file.stat();
      let read = 0;
      const format = DEFAULT_FRAME_FORMAT;
      for await (const lines of scanFile(
        { fd: file.fd, size },
        format,
        (bytes) => (read = bytes),
        pieceBytes,
      )) {
        collector.take(lines);
      }
      assert.equal(read, size);
    } finally {
      await file.close();
    }
    return collector.lines;
  }

  it('cuts the same lines whatever the pieces, in their order', async () => {
    const line = fc.oneof(
      fc.stringMatching(/^[a-zé{}":]{0,12}\r?$/),
      fc.integer({ min: 1, max: 200 }).map((length) => 'x'.repeat(length)),
      fc.integer({ min: 1, max: 9_999_999_999 }).map((ts) => `{"uid":"u${ts}","ts":${ts}}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 300 }),
        async (lines, ends, pieceBytes) => {
          const text = lines.join('\n') + (ends ? '\n' : '');
          assert.deepEqual(await scanned(text, pieceBytes), expectedLines(lines));
        },
      ),
      { numRuns: 12 },
    );
  });

  it('cuts lines longer than several pieces, and thousands of short ones in one', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => (i % 7 === 0 ? '' : `{"uid":"${i}","ts":${i}}`));
    lines.splice(10_000, 0, 'z'.repeat(3_000_000), '{"uid":1,"ts":2}', 'w'.repeat(65_536));
    assert.deepEqual(await scanned(`${lines.join('\n')}\n`), expectedLines(lines));
  });

  it('has the next pieces scanned by other threads, as this one would', async function () {
    // One core: there is no other thread.
    if (availableParallelism() === 1) return this.skip();
    const path = join(folder, 'pieces.jsonl');
    const text = Array.from({ length: 20_000 }, (_, i) => `{"uid":"u${i}","ts":${i}}\n`).join('');
    writeFileSync(path, text);
    const file = await open(path);
    const source = { fd: file.fd, format: DEFAULT_FRAME_FORMAT, pieceBytes: 16_384 };
    const scans = new PieceScans(source, text.length);
    const scanner = new PieceScanner(source);
    try {
      let position = 0;
      for await (const scanned of scans.inOrder()) {
        // Nobody asks for a piece meanwhile, so this thread scans none.
        if (position === 0) {
          const fromThread = () => Promise.resolve(scans.early > 1);
          await waitUntil('pieces from a thread', fromThread, { timeoutMs: 30_000, everyMs: 5 });
        }
        const length = Math.min(source.pieceBytes, text.length - position);
        const { words, ...here } = scanner.scan({ position, length });
        const { words: theirs, ...there } = scanned;
        assert.deepEqual(there, here);
        const used = WORDS_A_LINE * here.count;
        assert.deepEqual(theirs.subarray(0, used), words.subarray(0, used));
        position += length;
      }
      assert.equal(position, text.length);
    } finally {
      await scans.end();
      await file.close();
    }
  });

  it('is only so far ahead of who does not take what was read', async function () {
    if (availableParallelism() === 1) return this.skip();
    const path = join(folder, 'untaken.jsonl');
    const text = '{"uid":"a","ts":1}\n'.repeat(100_000);
    writeFileSync(path, text);
    const file = await open(path);
    const scans = new PieceScans(
      { fd: file.fd, format: DEFAULT_FRAME_FORMAT, pieceBytes: 4_096 },
      text.length,
    );
    try {
      const pieces = scans.inOrder();
      for (let taken = 1; taken <= 50; taken++) {
        await pieces.next();
        const isFull = () => Promise.resolve(scans.early >= MOST_AHEAD);
        await waitUntil('as many pieces as may be', isFull, { timeoutMs: 30_000, everyMs: 1 });
        // Time for hundreds more, were they given out.
        for (let turn = 0; turn < 100; turn++) await turnOfTheEventLoop();
        assert.equal(scans.early, MOST_AHEAD);
      }
    } finally {
      await scans.end();
      await file.close();
    }
  });

  it('refuses a file without newlines', async () => {
    await assert.rejects(scanned('x'.repeat(65 << 20)), { code: 'LINE_TOO_LONG' });
  });
});
