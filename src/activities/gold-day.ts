import { Context } from '@temporalio/activity';
import {
  WithStartWorkflowOperation,
  WorkflowFailedError,
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowHandle,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { fromTemporal } from '../clients/workflow-fault.js';
import { CONTROL_QUEUE, goldDayWorkflowId } from '../core/ids.js';
import type {
  GoldDayInput,
  GoldDayRequest,
  GoldDayResult,
  RanGoldDay,
  RunGoldDayInput,
} from '../messages.js';

type GoldDayWorkflow = (input: GoldDayInput) => Promise<GoldDayResult>;

/**
 * Starts the workflow of a day, or attaches to the one under way and hands in its options there: the workflow id is the
 * day's, so that there is one at a time whoever asks (client, backfill, schedule, Airflow).
 */
export async function startGoldDay(
  client: Client,
  input: GoldDayInput,
): Promise<WorkflowHandle<GoldDayWorkflow>> {
  const options: WorkflowStartOptions<GoldDayWorkflow> = {
    workflowId: goldDayWorkflowId(input.day),
    taskQueue: CONTROL_QUEUE,
    args: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `gold of ${input.day}`,
  };
  try {
    // Nearly always there is none under way, and to start one is the cheaper call.
    return await client.workflow.start<GoldDayWorkflow>('goldDay', options);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return attach(client, input, options);
}

/** To the day under way; should it have ended meanwhile, to a new one. */
async function attach(
  client: Client,
  input: GoldDayInput,
  options: WorkflowStartOptions<GoldDayWorkflow>,
): Promise<WorkflowHandle<GoldDayWorkflow>> {
  const { force, requestedBy, barrier } = input;
  const start = new WithStartWorkflowOperation<GoldDayWorkflow>('goldDay', {
    ...options,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  const request: GoldDayRequest = {
    ...(force !== undefined && { force }),
    ...(requestedBy !== undefined && { requestedBy }),
    ...(barrier !== undefined && { barrier }),
  };
  await client.workflow.executeUpdateWithStart('request', {
    args: [request],
    startWorkflowOperation: start,
  });
  const { workflowId } = options;
  const { runId, raw } = await client.workflow.getHandle(workflowId).describe();
  const handle = client.workflow.getHandle<GoldDayWorkflow>(workflowId, runId);
  if (raw.workflowExtendedInfo?.cancelRequested !== true) return handle;
  // One that is being cancelled comes to nothing; its attempt ends first.
  await handle.result().catch((error: unknown) => {
    if (!(error instanceof WorkflowFailedError)) throw error;
  });
  return startGoldDay(client, input);
}

/** Heartbeats: well below the timeout (workflows/options.ts). */
const HEARTBEAT_EVERY_MS = 1_000;

export type GoldDayActivities = ReturnType<typeof createGoldDayActivities>;

/** Children of a workflow know no conflict policy, so a backfill runs its days by a client. */
export function createGoldDayActivities({ temporal }: { readonly temporal: Client }) {
  return {
    /** A day, computed or found fresh. When cancelled only the waiting ends, not the day. */
    async runGoldDay({ day, force, requestedBy, barrier }: RunGoldDayInput): Promise<RanGoldDay> {
      const { cancellationSignal, cancelled } = Context.current();
      const heartbeat = setInterval(() => Context.current().heartbeat(day), HEARTBEAT_EVERY_MS);
      try {
        const handle = await startGoldDay(temporal, { day, force, requestedBy, barrier });
        const result = handle.result();
        // When the wait is cancelled nobody hears of it any more.
        result.catch(() => undefined);
        const { reused } = await Promise.race([result, cancelled]);
        return { reused };
      } catch (error) {
        cancellationSignal.throwIfAborted();
        throw fromTemporal(`computing gold of ${day}`, error);
      } finally {
        clearInterval(heartbeat);
      }
    },
  };
}
