import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSecrets } from '../../../infra/embedded/secrets.js';

describe('the passwords of a data directory', () => {
  let dataDir: string;
  beforeEach(() => (dataDir = mkdtempSync(join(tmpdir(), 'tidemark-secrets-'))));
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('are made once, for their owner only', () => {
    const secrets = loadSecrets(dataDir);
    assert.deepEqual(loadSecrets(dataDir), secrets);
    assert.equal(statSync(join(dataDir, 'secrets.json')).mode & 0o777, 0o600);
    assert.equal(new Set(Object.values(secrets)).size, Object.keys(secrets).length);
  });

  it('stay as they are when a new service needs one more', () => {
    const file = join(dataDir, 'secrets.json');
    const { airflow, ...older } = loadSecrets(dataDir);
    writeFileSync(file, JSON.stringify(older));
    const secrets = loadSecrets(dataDir);
    assert.deepEqual({ ...secrets, airflow: '' }, { ...older, airflow: '' });
    assert.notEqual(secrets.airflow, airflow);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), secrets);
  });
});
