import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Runtime } from '@temporalio/worker';
import { temporalTestServerPath } from '../../infra/embedded/index.js';
import { packageRoot } from '../../src/package-root.js';
import { historyToJson } from '../support/history-json.js';
import { bundleWorkflows, play, QUIET, SCENARIOS } from '../support/gold-day-scenarios.js';

/**
 * Records histories anew (`npm run record-histories`): after a change that old histories cannot be replayed with, and
 * only when no workflow of the old kind runs anywhere any more. Until then the change needs `patched()`.
 */
async function main(): Promise<void> {
  // Only what is recorded is told.
  Runtime.install({ logger: QUIET });
  const path = await temporalTestServerPath();
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  try {
    const bundle = await bundleWorkflows();
    const folder = join(packageRoot, 'test', 'histories', 'gold-day');
    mkdirSync(folder, { recursive: true });
    for (const old of readdirSync(folder)) rmSync(join(folder, old));
    for (const scenario of Object.values(SCENARIOS)) {
      const { handle } = await play(env, bundle, scenario);
      const history = historyToJson(await handle.fetchHistory());
      writeFileSync(join(folder, `${scenario.name}.json`), `${JSON.stringify(history, neutral, 1)}\n`);
      process.stdout.write(`gold-day/${scenario.name}.json\n`);
    }
  } finally {
    await env.teardown();
  }
}

/** Nothing of the machine that recorded: its name, its processes, its folders. */
const neutral = (key: string, value: unknown): unknown =>
  key === 'identity' || key === 'workerInstanceKey' ? 'recorder' : key === 'stackTrace' ? '' : value;

await main();
