import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../../src/package-root.js';
import { COMPRESSIONS, type Compression } from '../../../src/stream/compression.js';
import { VECTOR_RECORDS } from '../../support/vector-records.js';

const run = promisify(execFile);
const vectors = JSON.parse(
  readFileSync(join(packageRoot, 'test', 'vectors', 'record-batch.java-4.3.json'), 'utf8'),
) as Record<Compression, string>;

describe('log reader', () => {
  for (const codec of COMPRESSIONS) {
    it(`has made the codec ready when the first batch of a process needs it: ${codec}`, async function () {
      this.timeout(30_000);
      const program = join(packageRoot, 'dist', 'test', 'support', 'read-vector.js');
      const { stdout } = await run(process.execPath, [program, vectors[codec]]);
      const values = VECTOR_RECORDS.map(({ value }) => value?.toString('hex') ?? null);
      assert.deepEqual(JSON.parse(stdout), values);
    });
  }
});
