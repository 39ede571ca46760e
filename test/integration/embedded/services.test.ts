import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connectClickHouse } from '../../../src/clients/clickhouse.js';
import { connectPostgres } from '../../../src/clients/postgres.js';
import type { Config } from '../../../src/config.js';
import { loadSecrets } from '../../../infra/embedded/secrets.js';
import { useStack } from '../../support/stack.js';

describe('embedded PostgreSQL and ClickHouse', function () {
  this.timeout(60_000);
  const stack = useStack(['postgres', 'clickhouse']);

  async function inPostgres(sql: string, config: Config = stack().config) {
    const pool = connectPostgres(config);
    try {
      return (await pool.query<{ id: number }>(sql)).rows;
    } finally {
      await pool.end();
    }
  }

  async function inClickHouse(query: string, config: Config = stack().config) {
    // The stack is not migrated: its database is not there yet.
    const client = connectClickHouse({
      ...config,
      clickhouse: { ...config.clickhouse, database: 'default' },
    });
    try {
      return await (await client.query({ query, format: 'JSONEachRow' })).json<{ one: number }>();
    } finally {
      await client.close();
    }
  }

  it('are answering again after SIGKILL, PostgreSQL with its data', async () => {
    await inPostgres('CREATE TABLE kept (id int); INSERT INTO kept VALUES (1), (2)');
    for (const name of ['postgres', 'clickhouse'] as const) {
      const before = stack().service(name);
      stack().kill(name);
      await stack().waitReady(name);
      const after = stack().service(name);
      assert.notEqual(after.pid, before.pid);
      assert.deepEqual([after.ready, after.restarts], [true, before.restarts + 1]);
    }
    assert.deepEqual(await inPostgres('SELECT id FROM kept ORDER BY id'), [{ id: 1 }, { id: 2 }]);
    assert.deepEqual(await inClickHouse('SELECT 1 AS one'), [{ one: 1 }]);
  });

  it('let nobody in with a wrong password or none', async () => {
    const { config } = stack();
    for (const password of ['wrong', '']) {
      const wrong = {
        ...config,
        postgres: { ...config.postgres, password },
        clickhouse: { ...config.clickhouse, password },
      };
      await assert.rejects(inPostgres('SELECT 1', wrong), /password/);
      await assert.rejects(inClickHouse('SELECT 1 AS one', wrong), { code: '516' });
    }
  });

  it('keep their passwords where no other user can read them', () => {
    const { dataDir } = stack();
    const secrets = Object.values(loadSecrets(dataDir)).filter((secret) => secret.length >= 32);
    assert.ok(secrets.length >= 5);
    const open = filesOthersCanRead(dataDir);
    assert.ok(!open.includes(join(dataDir, 'stack.json')) && !open.includes(join(dataDir, 'secrets.json')));
    for (const file of open) {
      const text = readFileSync(file, 'latin1');
      for (const secret of secrets) assert.ok(!text.includes(secret), `${file} shows a password`);
    }
    assert.equal(statSync(join(dataDir, 'secrets.json')).mode & 0o777, 0o600);
    assert.equal(statSync(join(dataDir, 'stack.json')).mode & 0o777, 0o600);
  });
});

/** Not below folders that others may not pass. */
function filesOthersCanRead(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return (statSync(path).mode & 0o001) === 0 ? [] : filesOthersCanRead(path);
    return entry.isFile() && (statSync(path).mode & 0o004) !== 0 ? [path] : [];
  });
}
