import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreeBase } from '../../../infra/embedded/index.js';
import { removeStack } from '../../../infra/embedded/remove.js';
import { connectPostgres } from '../../../src/clients/postgres.js';
import { loadConfig } from '../../../src/config.js';
import { waitUntil } from '../../../src/wait-until.js';
import { assertOneLine, tidemark } from '../../support/cli.js';
import { membersOfGroup, processesNaming } from '../../support/processes.js';

/** Away from the ports of `useStack`. */
const BASES = { from: 12_000, until: 16_000 };
const LIGHT = ['--only', 'postgres,clickhouse'];

interface Status {
  readonly up: boolean;
  readonly supervisor: number | null;
  readonly services: readonly { service: string; state: string; pid: number | null; restarts: number }[];
}

/** A stack as the command line starts it: its supervisor outlives the command. */
describe('tidemark up, status, down', function () {
  this.timeout(120_000);
  const folders: string[] = [];
  let dataDir = '';
  let base = 0;

  before(async function () {
    // Who still runs is read from /proc.
    if (process.platform !== 'linux') this.skip();
    dataDir = newFolder();
    base = await findFreeBase(BASES.from + (process.pid % 100) * 20, BASES.until);
  });
  after(async () => {
    for (const folder of folders) {
      await tidemark(['--data-dir', folder, 'down']);
      removeStack(folder);
      rmSync(folder, { recursive: true });
    }
  });

  function newFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-detached-'));
    folders.push(folder);
    return folder;
  }

  const up = (folder: string, ports: number) =>
    tidemark(['--data-dir', folder, 'up', ...LIGHT, '--ports', String(ports)]);
  const down = (folder: string) => tidemark(['--data-dir', folder, 'down']);

  async function status(folder: string): Promise<Status & { exitCode: number | undefined }> {
    const { exitCode, stdout } = await tidemark(['--data-dir', folder, 'status', '--json']);
    return { ...(JSON.parse(stdout) as Status), exitCode };
  }

  async function inPostgres(folder: string, sql: string) {
    const pool = connectPostgres(loadConfig(folder, {}));
    try {
      return (await pool.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await pool.end();
    }
  }

  /** Of the stack in a folder: the supervisor, the services and all that these have started. */
  function left(folder: string, last: Status): number[] {
    const groups = last.services.flatMap(({ pid }) => (pid === null ? [] : membersOfGroup(pid)));
    return [...groups, ...processesNaming(folder)];
  }

  const killSupervisor = async (folder: string): Promise<Status> => {
    const last = await status(folder);
    assert.ok(last.supervisor !== null);
    process.kill(last.supervisor, 'SIGKILL');
    return last;
  };

  it('comes up, says so, and is left to run', async () => {
    const ran = await up(dataDir, base);
    assert.equal(ran.exitCode, 0, ran.stderr);
    const now = await status(dataDir);
    assert.deepEqual([now.exitCode, now.up], [0, true]);
    assert.deepEqual(
      now.services.map(({ service, state, restarts }) => [service, state, restarts]),
      [
        ['postgres', 'up', 0],
        ['clickhouse', 'up', 0],
      ],
    );
    await inPostgres(dataDir, 'CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)');
  });

  it('runs beside another one, and gives one line where a port is taken', async () => {
    const other = newFolder();
    assertOneLine(
      await up(other, base),
      new RegExp(`${base + 3} \\(postgres\\).* --ports BASE \\(PORT_TAKEN\\)$`),
    );
    const ran = await up(other, await findFreeBase(base + 20, BASES.until));
    assert.equal(ran.exitCode, 0, ran.stderr);
    const [here, there] = [await status(dataDir), await status(other)];
    assert.deepEqual([here.up, there.up], [true, true]);
    const [found] = await inPostgres(other, "SELECT to_regclass('kept') AS kept");
    assert.deepEqual(found, { kept: null });
    assert.equal((await down(other)).exitCode, 0);
    assert.deepEqual(left(other, there), []);
    assert.equal((await status(dataDir)).up, true);
  });

  it('leaves nothing running when it is down, and has its data when it is up again', async () => {
    const last = await status(dataDir);
    assert.ok(left(dataDir, last).length >= 3, 'the test sees what runs');
    assert.equal((await down(dataDir)).exitCode, 0);
    assert.deepEqual(left(dataDir, last), []);
    const now = await status(dataDir);
    assert.deepEqual([now.exitCode, now.up], [1, false]);
    assert.equal((await up(dataDir, base)).exitCode, 0);
    assert.deepEqual(await inPostgres(dataDir, 'SELECT id FROM kept'), [{ id: 42 }]);
  });

  it('comes up over what a killed supervisor has left', async () => {
    const before = await killSupervisor(dataDir);
    const orphan = before.services.find(({ service }) => service === 'postgres')?.pid ?? 0;
    assert.ok(membersOfGroup(orphan).length > 0, 'PostgreSQL outlives its supervisor');
    assert.equal((await status(dataDir)).up, false);
    const ran = await up(dataDir, base);
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.deepEqual(membersOfGroup(orphan), []);
    assert.deepEqual(await inPostgres(dataDir, 'SELECT id FROM kept'), [{ id: 42 }]);
  });

  it('goes down after its supervisor was killed', async () => {
    const last = await killSupervisor(dataDir);
    const ran = await down(dataDir);
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.match(ran.stdout, /^Ended what a killed stack had left running: .*postgres/);
    // The supervisor is init's to bury.
    await waitUntil('all of it to end', () => Promise.resolve(left(dataDir, last).length === 0), {
      timeoutMs: 10_000,
    });
    assert.match((await down(dataDir)).stdout, /^No stack was up/);
  });

  it('begins anew with --fresh', async () => {
    const secrets = () => readFileSync(join(dataDir, 'secrets.json'), 'utf8');
    const before = secrets();
    const ran = await tidemark(['--data-dir', dataDir, 'up', ...LIGHT, '--fresh', '--ports', String(base)]);
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.notEqual(secrets(), before);
    assert.deepEqual(await inPostgres(dataDir, "SELECT to_regclass('kept') AS kept"), [{ kept: null }]);
  });
});
