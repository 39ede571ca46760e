import { fromTemporal } from '../clients/workflow-fault.js';
import { CONTROL_QUEUE, STREAM_QUEUE } from '../core/ids.js';
import type { ClientConnections } from './connections.js';
import { requireWorker } from './require-worker.js';

export interface JobStart {
  /** As in "starting count x". */
  readonly what: string;
  readonly workflow: string;
  readonly workflowId: string;
  readonly summary: string;
}

/**
 * Starts a job whose laps stream workers run, or finds the one of that name: running, or finished.
 * @throws PipelineError `NO_WORKER`, `TEMPORAL_UNREACHABLE`.
 */
export async function startJob(
  connections: ClientConnections,
  { what, workflow, workflowId, summary }: JobStart,
  input: object,
): Promise<void> {
  const client = await connections.temporal();
  try {
    await requireWorker(client, CONTROL_QUEUE, 'workflow');
    await requireWorker(client, STREAM_QUEUE, 'activity');
    await client.workflow.start(workflow, {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: summary,
    });
  } catch (error) {
    throw fromTemporal(`starting ${what}`, error);
  }
}
