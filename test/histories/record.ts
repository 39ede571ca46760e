import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { packageRoot } from '../../src/package-root.js';
import { BACKFILL_SCENARIOS, playBackfill } from '../support/backfill-scenarios.js';
import { CLEAN_SCENARIOS, playClean } from '../support/clean-scenarios.js';
import { COUNT_SCENARIOS, playCount } from '../support/count-scenarios.js';
import { play, SCENARIOS } from '../support/gold-day-scenarios.js';
import { historyToJson } from '../support/history-json.js';
import { playReplay, REPLAY_SCENARIOS } from '../support/replay-scenarios.js';
import { playVerify, VERIFY_SCENARIOS } from '../support/verify-scenarios.js';
import {
  bundleWorkflows,
  quietTemporal,
  serverInRealTime,
  serverThatSkipsTime,
  type Play,
} from '../support/workflow-server.js';

type Open = () => Promise<TestWorkflowEnvironment>;

interface Kind {
  readonly open: Open;
  /** By name of the file. */
  readonly plays: ReadonlyMap<string, Recorded>;
}

type Recorded = (
  env: TestWorkflowEnvironment,
  bundle: WorkflowBundleWithSourceMap,
) => Promise<{ readonly handle: WorkflowHandle }>;

const KINDS: Readonly<Record<string, Kind>> = {
  'gold-day': kind(serverThatSkipsTime, play, SCENARIOS),
  'gold-backfill': kind(serverInRealTime, playBackfill, BACKFILL_SCENARIOS),
  'replay-topic-range': kind(serverInRealTime, playReplay, REPLAY_SCENARIOS),
  'clean-logins': kind(serverInRealTime, playClean, CLEAN_SCENARIOS),
  'count-unique-users': kind(serverInRealTime, playCount, COUNT_SCENARIOS),
  'verify-deployment': kind(serverThatSkipsTime, playVerify, VERIFY_SCENARIOS),
};

function kind<Scenario extends { readonly name: string }>(
  open: Open,
  play: Play<Scenario, { readonly handle: WorkflowHandle }>,
  scenarios: Readonly<Record<string, Scenario>>,
): Kind {
  const plays = Object.values(scenarios).map((scenario): [string, Recorded] => [
    scenario.name,
    (env, bundle) => play(env, bundle, scenario),
  ]);
  return { open, plays: new Map(plays) };
}

/**
 * Records histories anew (`npm run record-histories -- gold-day`; all of them without a name): after a change that old
 * histories cannot be replayed with, and only when no workflow of the old kind runs anywhere any more. Until then the
 * change needs `patched()`.
 */
async function main(names: readonly string[]): Promise<void> {
  // Only what is recorded is told.
  quietTemporal();
  const bundle = await bundleWorkflows();
  for (const name of names) {
    const kind = KINDS[name];
    if (kind === undefined) throw new RangeError(`no histories of ${name}: ${Object.keys(KINDS).join(', ')}`);
    await record(name, kind, bundle);
  }
}

async function record(
  name: string,
  { open, plays }: Kind,
  bundle: WorkflowBundleWithSourceMap,
): Promise<void> {
  const env = await open();
  try {
    const folder = join(packageRoot, 'test', 'histories', name);
    mkdirSync(folder, { recursive: true });
    for (const old of readdirSync(folder)) rmSync(join(folder, old));
    for (const [scenario, playing] of plays) {
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
