import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stackStatus } from '../../../infra/embedded/status.js';
import { packageRoot } from '../../../src/package-root.js';

const MAIN = join(packageRoot, 'dist', 'src', 'cli', 'main.js');

describe('tidemark demo', function () {
  this.timeout(400_000);
  this.slow(120_000);
  let dataDir: string;

  before(() => (dataDir = mkdtempSync(join(tmpdir(), 'tidemark-demo-'))));
  after(async () => {
    await execa(process.execPath, [MAIN, 'down', '--data-dir', dataDir]);
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('goes from an empty folder to gold that equals the exact answer, and stops what it started', async () => {
    const size = ['--users', '60', '--events', '900', '--days', '2'];
    const { stdout, stderr, exitCode } = await execa(
      process.execPath,
      [MAIN, 'demo', ...size, '--stop', '--data-dir', dataDir],
      { reject: false },
    );
    assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
    const equal = stdout.split('\n').filter((line) => /^✔ .*: equal, \d+ rows$/.test(line));
    assert.equal(equal.length, 4, stdout);
    assert.match(stdout, /http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/gold-day%2F/);
    assert.match(stdout, /\d logins of \d+ users; alerts: /);
    assert.match(stdout, /read = clean \+ dlq \+ filtered holds in every partition/);
    assert.match(stdout, /The demo passed/);
    const { services } = await stackStatus(dataDir, Date.now());
    assert.deepEqual(
      services.filter(({ pid }) => pid !== null),
      [],
    );
  });
});
