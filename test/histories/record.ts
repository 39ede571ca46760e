import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Runtime, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { WorkflowHandle } from '@temporalio/client';
import { temporalTestServerPath } from '../../infra/embedded/index.js';
import { packageRoot } from '../../src/package-root.js';
import { BACKFILL_SCENARIOS, playBackfill } from '../support/backfill-scenarios.js';
import { COUNT_SCENARIOS, playCount } from '../support/count-scenarios.js';
import { historyToJson } from '../support/history-json.js';
import { bundleWorkflows, play, QUIET, SCENARIOS } from '../support/gold-day-scenarios.js';
import { playReplay, REPLAY_SCENARIOS, replayEnvironment } from '../support/replay-scenarios.js';

type Play = (
  env: TestWorkflowEnvironment,
  bundle: WorkflowBundleWithSourceMap,
) => Promise<{ readonly handle: WorkflowHandle }>;

interface Kind {
  readonly open: () => Promise<TestWorkflowEnvironment>;
  /** By name of the file. */
  readonly scenarios: readonly (readonly [string, Play])[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  'gold-day': {
    open: async () => {
      const path = await temporalTestServerPath();
      const server = { executable: { type: 'existing-path', path } } as const;
      return TestWorkflowEnvironment.createTimeSkipping({ server });
    },
    scenarios: Object.values(SCENARIOS).map((one) => [one.name, (env, bundle) => play(env, bundle, one)]),
  },
  'gold-backfill': {
    open: replayEnvironment,
    scenarios: Object.values(BACKFILL_SCENARIOS).map((one) => [
      one.name,
      (env, bundle) => playBackfill(env, bundle, one),
    ]),
  },
  'replay-topic-range': {
    open: replayEnvironment,
    scenarios: Object.values(REPLAY_SCENARIOS).map((one) => [
      one.name,
      (env, bundle) => playReplay(env, bundle, one),
    ]),
  },
  'count-unique-users': {
    open: replayEnvironment,
    scenarios: Object.values(COUNT_SCENARIOS).map((one) => [
      one.name,
      (env, bundle) => playCount(env, bundle, one),
    ]),
  },
};

/**
 * Records histories anew (`npm run record-histories -- gold-day`; all of them without a name): after a change that old
 * histories cannot be replayed with, and only when no workflow of the old kind runs anywhere any more. Until then the
 * change needs `patched()`.
 */
async function main(names: readonly string[]): Promise<void> {
  // Only what is recorded is told.
  Runtime.install({ logger: QUIET });
  const bundle = await bundleWorkflows();
  for (const name of names) {
    const kind = KINDS[name];
    if (kind === undefined) throw new RangeError(`no histories of ${name}: ${Object.keys(KINDS).join(', ')}`);
    await record(name, kind, bundle);
  }
}

async function record(
  name: string,
  { open, scenarios }: Kind,
  bundle: WorkflowBundleWithSourceMap,
): Promise<void> {
  const env = await open();
  try {
    const folder = join(packageRoot, 'test', 'histories', name);
    mkdirSync(folder, { recursive: true });
    for (const old of readdirSync(folder)) rmSync(join(folder, old));
    for (const [scenario, playing] of scenarios) {
      const { handle } = await playing(env, bundle);
      const history = historyToJson(await handle.fetchHistory());
      writeFileSync(join(folder, `${scenario}.json`), `${JSON.stringify(history, neutral, 1)}\n`);
      process.stdout.write(`${name}/${scenario}.json\n`);
    }
  } finally {
    await env.teardown();
  }
}

/** Nothing of the machine that recorded: its name, its processes, its folders. */
function neutral(key: string, value: unknown): unknown {
  if (key === 'identity' || key === 'workerInstanceKey') return 'recorder';
  if (key === 'stackTrace') return '';
  // The SDK's usual name of a worker: its process and its machine.
  return typeof value === 'string' && /^\d+@[\w.-]+$/.test(value) ? 'recorder' : value;
}

const named = process.argv.slice(2);
await main(named.length > 0 ? named : Object.keys(KINDS));
