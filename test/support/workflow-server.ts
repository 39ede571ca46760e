import { fileURLToPath } from 'node:url';
import { IllegalStateError } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { temporalPath, temporalTestServerPath } from '../../infra/embedded/index.js';

/** Workers and bundlers tell of every step they take; only what is wrong belongs into the output of a test. */
const QUIET = new DefaultLogger('ERROR');

/** Workers of this process log nothing. One runtime serves all suites of a process: whoever comes second finds it there. */
export function quietTemporal(): void {
  try {
    Runtime.install({ logger: QUIET });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}

export const bundleWorkflows = (): Promise<WorkflowBundleWithSourceMap> =>
  bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.js', import.meta.url)),
    logger: QUIET,
  });

/** For workflows that wait by timers. */
export async function serverThatSkipsTime(): Promise<TestWorkflowEnvironment> {
  const path = await temporalTestServerPath();
  return TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
}

/** For workflows whose activities heartbeat by the wall clock, and for children of theirs. */
export async function serverInRealTime(): Promise<TestWorkflowEnvironment> {
  const path = await temporalPath();
  return TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'existing-path', path } } });
}

/** Plays a scenario to its end. */
export type Play<Scenario, Outcome> = (
  env: TestWorkflowEnvironment,
  bundle: WorkflowBundleWithSourceMap,
  scenario: Scenario,
) => Promise<Outcome>;

/** A server and the workflows' code for the enclosing suite; what it returns plays a scenario on them. */
export function usePlay<Scenario, Outcome>(
  open: () => Promise<TestWorkflowEnvironment>,
  play: Play<Scenario, Outcome>,
): (scenario: Scenario) => Promise<Outcome> {
  let env: TestWorkflowEnvironment;
  let bundle: WorkflowBundleWithSourceMap;
  before(async function () {
    this.timeout(5 * 60_000);
    quietTemporal();
    env = await open();
    bundle = await bundleWorkflows();
  });
  after(() => env?.teardown());
  return (scenario) => play(env, bundle, scenario);
}
