import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { fromTemporal } from '../clients/workflow-fault.js';
import { canonicalJson } from '../core/canonical-json.js';
import { PipelineError } from '../core/errors.js';
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
 * Starts a job whose laps stream workers run, or finds the one of that name: running with the same options, or finished.
 * @throws PipelineError `JOB_EXISTS` when it is running with others, `NO_WORKER`, `TEMPORAL_UNREACHABLE`.
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
    const others = differing(await inputOf(client, workflowId), input);
    if (others.length === 0) return;
    const message = `starting ${what}: one of this name is running with other options (${others.join(', ')})`;
    throw new PipelineError(
      'JOB_EXISTS',
      `${message}; stop it to change how it is run, or choose another name`,
    );
  } catch (error) {
    throw fromTemporal(`starting ${what}`, error);
  }
}

/** What the newest run of a workflow was started with, whoever started it: the first event of its history says so. */
async function inputOf(client: Client, workflowId: string): Promise<object> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId },
    maximumPageSize: 1,
  });
  const [payload] = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return payload ? defaultPayloadConverter.fromPayload<object>(payload) : {};
}

/** Of an input: who asks, and what a job in progress is told or tells its next run, is not what was asked for. */
const NOT_ASKED_FOR = new Set(['requestedBy', 'rate', 'carried']);

/** The options in which two inputs differ, in alphabetical order. */
function differing(one: object, other: object): string[] {
  const [a, b] = [new Map(Object.entries(one)), new Map(Object.entries(other))];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((name) => !NOT_ASKED_FOR.has(name) && canonicalJson(a.get(name)) !== canonicalJson(b.get(name)))
    .sort();
}
