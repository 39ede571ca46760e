/**
 * The full chaos runs: `--seed N`, `--faults N` and `--only NAME`. Prints one JSON object a run; the exit code says
 * whether every run was exact. Ctrl-C and SIGTERM leave nothing running.
 */
import { parseArgs } from 'node:util';
import type { ServiceName, Stack } from '../../infra/embedded/index.js';
import { provision } from '../../src/provision.js';
import { withStack } from '../support/with-stack.js';
import { BACKFILL_CHAOS_SERVICES, backfillChaos } from './backfill/index.js';
import { CDC_SERVICES, cdcChaos } from './cdc.js';
import { cleanChaos } from './clean/main.js';
import { countChaos } from './count/main.js';
import { GOLD_CHAOS_SERVICES, goldChaos } from './gold/index.js';
import { replayChaos } from './replay/main.js';
import { replayWorkflowChaos } from './replay/workflow.js';
import type { ChaosReport } from './report.js';

interface ChaosRun {
  /** Each run has a stack of its own. */
  readonly services: readonly ServiceName[];
  /** Tables, topics and connectors are in place. */
  readonly provisioned?: boolean;
  /** How many faults unless the command line says. */
  readonly faults: number;
  readonly run: (stack: Stack, seed: number, faults: number) => Promise<ChaosReport>;
}

const RUNS: Readonly<Record<string, ChaosRun>> = {
  cdc: { services: CDC_SERVICES, faults: 30, run: cdcChaos },
  backfill: { services: BACKFILL_CHAOS_SERVICES, provisioned: true, faults: 20, run: backfillChaos },
  gold: { services: GOLD_CHAOS_SERVICES, provisioned: true, faults: 30, run: goldChaos },
  replay: { services: ['kafka'], faults: 100, run: replayChaos },
  // Half an hour; with those of the engine, which hit worker and broker, 150 kills of replays.
  'replay-workflow': { services: ['kafka', 'temporal', 'stream'], faults: 50, run: replayWorkflowChaos },
  clean: { services: ['kafka'], faults: 10, run: cleanChaos },
  count: { services: ['kafka'], faults: 20, run: countChaos },
};

const chaos = (
  { services, provisioned, run }: ChaosRun,
  seed: number,
  faults: number,
): Promise<ChaosReport> =>
  withStack(services, async (stack) => {
    if (provisioned) await provision(stack.config, () => undefined);
    return run(stack, seed, faults);
  });

const { values } = parseArgs({
  options: { seed: { type: 'string' }, faults: { type: 'string' }, only: { type: 'string' } },
});
const seed = Number(values.seed ?? 20261121);
for (const name of values.only === undefined ? Object.keys(RUNS) : [values.only]) {
  const run = RUNS[name];
  if (run === undefined) throw new Error(`no chaos run is called ${name}: ${Object.keys(RUNS).join(', ')}`);
  const report = await chaos(run, seed, Number(values.faults ?? run.faults));
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (!report.ok) process.exitCode = 1;
}
