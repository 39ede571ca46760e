import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { pipBinary } from '../../infra/embedded/components.js';
import { openContext } from '../../infra/embedded/context.js';
import { cacheDirectory, installComponent } from '../../infra/embedded/install.js';
import type { Stack } from '../../infra/embedded/index.js';
import { componentsOf } from '../../infra/embedded/plan.js';
import { pythonCommand } from '../../infra/embedded/prerequisites.js';
import { airflowEnvironment } from '../../infra/embedded/services/airflow.js';
import { AIRFLOW_SERVICES } from '../../infra/embedded/services/index.js';
import { readState } from '../../infra/embedded/state.js';
import { STACK_FILE } from '../../src/config.js';
import { packageRoot } from '../../src/package-root.js';
import { provision } from '../../src/provision.js';
import { GOLD_SERVICES } from '../support/gold-stack.js';
import { withStack } from '../support/with-stack.js';

/**
 * The Python of infra/airflow: ruff and mypy, then pytest against a stack of its own with Airflow in it. Each of the
 * checks before the tests counts as one. Writes its counts where TIDEMARK_TEST_COUNTS says, as the other suites do.
 */
const sources = join(packageRoot, 'infra', 'airflow');
const counts = { passed: 0, failed: 0, skipped: 0, faults: [] as string[] };

async function main(): Promise<void> {
  const cacheDir = cacheDirectory(process.env);
  const airflow = await installComponent(cacheDir, 'airflow');
  const checks = await installComponent(cacheDir, 'airflow-checks');
  const scratch = mkdtempSync(join(tmpdir(), 'tidemark-airflow-'));
  const libraries = [join(airflow, 'lib'), join(checks, 'lib'), sources].join(delimiter);
  const env = { PYTHONPATH: libraries, PYTHONNOUSERSITE: '1', AIRFLOW_HOME: join(scratch, 'home') };
  try {
    // While the stack starts: that is mostly waiting.
    const checked = staticChecks(checks, scratch, env);
    try {
      await withStack([...GOLD_SERVICES, ...AIRFLOW_SERVICES], async (stack) => {
        await provision(stack.config, () => undefined);
        await pytest(stack, scratch, env);
      });
    } finally {
      await checked;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    if (process.env.TIDEMARK_TEST_COUNTS) {
      writeFileSync(process.env.TIDEMARK_TEST_COUNTS, JSON.stringify(counts));
    }
  }
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
  if (counts.failed > 0) process.exitCode = 1;
}

async function staticChecks(tools: string, scratch: string, env: Record<string, string>): Promise<void> {
  const ruff = pipBinary(tools, 'ruff');
  await check(ruff, ['check', '--no-cache', '.'], env);
  await check(ruff, ['format', '--no-cache', '--check', '.'], env);
  await check(await pythonCommand(), ['-m', 'mypy', '--cache-dir', join(scratch, 'mypy')], env);
}

async function check(command: string, args: string[], env: Record<string, string>): Promise<void> {
  const { exitCode } = await execa(command, args, { cwd: sources, env, stdio: 'inherit', reject: false });
  if (exitCode === 0) counts.passed += 1;
  else fail([command, ...args].join(' '));
}

function fail(what: string): void {
  counts.failed += 1;
  counts.faults.push(what);
}

/** With tables of its own for what runs in pytest's process: the stack's scheduler would take such tasks for its own. */
async function pytest(stack: Stack, scratch: string, env: Record<string, string>): Promise<void> {
  const { portBase = 0, cacheDir = '' } = readState(stack.dataDir) ?? {};
  const context = await openContext(stack.dataDir, portBase, cacheDir, componentsOf(stack.services));
  const { AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: tables = '', ...settings } = airflowEnvironment(context);
  const file = join(scratch, 'counts.json');
  const { exitCode } = await execa(
    await pythonCommand(),
    ['-m', 'pytest', '--durations=0', '--durations-min=1'],
    {
      cwd: sources,
      stdio: 'inherit',
      reject: false,
      env: {
        ...settings,
        ...env,
        TIDEMARK_CONFIG: join(stack.dataDir, STACK_FILE),
        TIDEMARK_TEST_COUNTS: file,
        AIRFLOW_TABLES: tables.replace('+psycopg2', ''),
      },
    },
  );
  const found = JSON.parse(readFileSync(file, 'utf8')) as typeof counts;
  counts.passed += found.passed;
  counts.failed += found.failed;
  counts.skipped += found.skipped;
  counts.faults.push(...found.faults);
  // Collecting nothing, or dying, is a failure of its own.
  if (exitCode !== 0 && found.failed === 0) fail(`pytest ended with ${String(exitCode)}`);
}

await main();
