import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { scanFile } from '../../../src/cli/scanned-file.js';
import { DEFAULT_FRAME_FORMAT } from '../../../src/core/frame-scanner.js';
import { expectedLines, LineCollector } from './lines.js';

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

  it('refuses a file without newlines', async () => {
    await assert.rejects(scanned('x'.repeat(65 << 20)), { code: 'LINE_TOO_LONG' });
  });
});
