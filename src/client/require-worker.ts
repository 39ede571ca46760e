import type { Client } from '@temporalio/client';
import { PipelineError } from '../core/errors.js';
import { waitUntil } from '../wait-until.js';

/** temporal.api.enums.v1.TaskQueueType */
const QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

/** A worker that has just been started polls within a second or two. */
const PATIENCE = { timeoutMs: 10_000, everyMs: 250 };

/** Without a worker a workflow would wait for ever, silently. @throws PipelineError `NO_WORKER`, after ten seconds. */
export async function requireWorker(
  client: Client,
  taskQueue: string,
  type: keyof typeof QUEUE_TYPES,
): Promise<void> {
  const isPolled = async (): Promise<boolean> => {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: QUEUE_TYPES[type],
    });
    return (pollers ?? []).length > 0;
  };
  try {
    await waitUntil(`a worker to poll ${taskQueue}`, isPolled, PATIENCE);
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code !== 'WAITED_TOO_LONG') throw error;
    const message = `looking for a worker: none polls ${taskQueue} (tidemark up starts one)`;
    throw new PipelineError('NO_WORKER', message, { retryable: true, at: { service: 'worker' } });
  }
}
