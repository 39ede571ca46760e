import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { tryLock } from '../../../infra/embedded/lock.js';
import { self } from '../../../infra/embedded/process-identity.js';
import type { ServiceName } from '../../../infra/embedded/service.js';
import { AIRFLOW_SERVICES, allServices } from '../../../infra/embedded/services/index.js';
import { lockFile, runFolder, writeState } from '../../../infra/embedded/state.js';
import { addUp, servicesOf } from '../../../src/cli/up.js';

describe('tidemark up --airflow', () => {
  const rows: [string, { only?: string; airflow?: boolean }, readonly ServiceName[]][] = [
    ['all but Airflow without it', {}, allServices()],
    ['all, and Airflow', { airflow: true }, [...allServices(), ...AIRFLOW_SERVICES]],
    [
      'what --only names, Airflow and what it needs',
      { only: 'mongo', airflow: true },
      ['postgres', 'mongo', 'temporal', ...AIRFLOW_SERVICES],
    ],
    ['no Airflow where --only alone leaves it out', { only: 'mongo' }, ['mongo']],
  ];
  for (const [claim, options, expected] of rows) {
    it(`starts ${claim}`, () => {
      assert.deepEqual(new Set(servicesOf(options)), new Set(expected));
    });
  }

  describe('where a stack runs', () => {
    let dataDir: string;

    beforeEach(() => {
      dataDir = mkdtempSync(join(tmpdir(), 'tidemark-up-'));
      mkdirSync(runFolder(dataDir), { recursive: true });
      // A stack of which this process is the supervisor.
      assert.equal(tryLock(lockFile(dataDir)), undefined);
      const services = { kafka: { phase: 'ready', restarts: 0 } } as const;
      writeState(dataDir, { supervisor: self(), portBase: 19_000, cacheDir: dataDir, services });
    });

    afterEach(() => {
      rmSync(dataDir, { recursive: true, force: true });
    });

    it('without Airflow, says that it must be stopped first, and leaves it as it is', async () => {
      const program = new Command().option('--data-dir <path>');
      addUp(program);
      await assert.rejects(
        program.parseAsync(['up', '--airflow', '--data-dir', dataDir], { from: 'user' }),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ALREADY_UP');
          assert.match(error.message, /runs without it; stop it first \(tidemark down\)$/);
          return true;
        },
      );
    });
  });
});
