import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { ClientConnections } from '../../src/client/connections.js';
import { GoldClient } from '../../src/client/gold.js';
import { CONTROL_QUEUE } from '../../src/core/ids.js';
import { BackfillFakes } from './backfill-scenarios.js';

/** What a caller does with the public client, while fakes take the place of the activities. */
export type Calls = (gold: GoldClient, fakes: BackfillFakes) => Promise<void>;

export async function callBackfills(
  env: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  calls: Calls,
): Promise<void> {
  const fakes = new BackfillFakes();
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: CONTROL_QUEUE,
    workflowBundle,
    activities: fakes.activities,
  });
  // Only Temporal is asked; there is nothing else to connect to.
  const connections = { temporal: () => Promise.resolve(env.client) } as unknown as ClientConnections;
  await worker.runUntil(() => calls(new GoldClient(connections), fakes));
}
