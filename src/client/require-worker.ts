import type { Client } from '@temporalio/client';
import { PipelineError } from '../core/errors.js';

/** temporal.api.enums.v1.TaskQueueType */
const QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

/** Without a worker a workflow would wait for ever, silently. @throws PipelineError `NO_WORKER`. */
export async function requireWorker(
  client: Client,
  taskQueue: string,
  type: keyof typeof QUEUE_TYPES,
): Promise<void> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: QUEUE_TYPES[type],
  });
  if ((pollers ?? []).length > 0) return;
  const message = `looking for a worker: none polls ${taskQueue} (tidemark up starts one)`;
  throw new PipelineError('NO_WORKER', message, { retryable: true, at: { service: 'worker' } });
}
