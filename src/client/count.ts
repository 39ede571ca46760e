import { WorkflowNotFoundError, type WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { serviceFault } from '../clients/fault.js';
import { checkCount } from '../core/count-plan.js';
import { PipelineError } from '../core/errors.js';
import { CONTROL_QUEUE, countWorkflowId, STREAM_QUEUE } from '../core/ids.js';
import type { UniqueUsersResult } from '../core/uniques-result.js';
import { isoSeconds, type WindowKind } from '../core/window.js';
import type { CountInput, CountReport, CountResult, CountStatus } from '../messages.js';
import { countProgress, stopCount } from '../workflows/count-definitions.js';
import type { countUniqueUsers } from '../workflows/count-unique-users.js';
import type { ClientConnections } from './connections.js';
import { countStatus } from './count-status.js';
import { fromTemporal } from '../clients/workflow-fault.js';
import { requireWorker } from './require-worker.js';

export interface CountShowOptions {
  readonly job: string;
  /** Only windows of this kind. */
  readonly window?: WindowKind;
  /** Results to give, the newest windows first; default 20. */
  readonly limit?: number;
}

/** `tidemark.count`: unique users of a topic of frames. */
export class CountClient {
  readonly #connections: ClientConnections;

  constructor(connections: ClientConnections) {
    this.#connections = connections;
  }

  /**
   * Starts a count, or finds the one of that name: running, or finished (`wait` then gives its recorded result).
   * @throws PipelineError `BAD_COUNT`, `NO_WORKER`, `TEMPORAL_UNREACHABLE`. What the topics lack is thrown by `wait`.
   */
  async start(input: CountInput): Promise<void> {
    checkCount(input);
    const client = await this.#connections.temporal();
    try {
      await requireWorker(client, CONTROL_QUEUE, 'workflow');
      await requireWorker(client, STREAM_QUEUE, 'activity');
      await client.workflow.start<typeof countUniqueUsers>('countUniqueUsers', {
        workflowId: countWorkflowId(input.job),
        taskQueue: CONTROL_QUEUE,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `unique users of ${input.source}`,
      });
    } catch (error) {
      throw fromTemporal(`starting count ${input.job}`, error);
    }
  }

  /** @throws PipelineError with the code of what ended the count: `TOPIC_MISSING`, `JOB_EXISTS`, `GAP` ... */
  async wait(job: string): Promise<CountResult> {
    const handle = await this.#handle(job);
    try {
      return await handle.result();
    } catch (error) {
      throw fromTemporal(`waiting for count ${job}`, error);
    }
  }

  /** Ends a count at its next commit and waits for that; a start with the same input goes on. @throws PipelineError `NO_COUNT`. */
  async stop(job: string): Promise<CountResult> {
    const handle = await this.#handle(job);
    try {
      await handle.signal(stopCount);
      return await handle.result();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw noCount(job);
      throw fromTemporal(`stopping count ${job}`, error);
    }
  }

  /** @throws PipelineError `NO_COUNT`. */
  async status(job: string): Promise<CountStatus> {
    const handle = await this.#handle(job);
    const described = await handle.describe().catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) throw noCount(job);
      throw fromTemporal(`looking at count ${job}`, error);
    });
    const workflow = described.status.name;
    const over = workflow === 'RUNNING' ? null : await endOf(() => handle.result());
    // A workflow that has ended is asked too: its history answers. One that failed at once may have no answer.
    const progress = await handle.query(countProgress).catch(() => null);
    const { live, fault } = laps(described);
    return countStatus({
      job,
      progress,
      workflow,
      outcome: over?.outcome ?? null,
      live,
      fault: over?.fault ?? fault,
    });
  }

  /** The newest result of each window, read from ClickHouse. @throws PipelineError `CLICKHOUSE_UNREACHABLE` ... */
  async show({ job, window, limit = 20 }: CountShowOptions): Promise<UniqueUsersResult[]> {
    const { clickhouse, config } = this.#connections;
    try {
      const answer = await clickhouse.query({
        query: `
          SELECT window, toUnixTimestamp(start) AS start_s, toUnixTimestamp(end) AS end_s, field, toFloat64(users) AS users, error,
                 toFloat64(frames) AS frames, status, revision, toUnixTimestamp64Milli(emitted_at) AS emitted_ms
          FROM ${config.clickhouse.database}.unique_users
          WHERE job = {job:String} AND ({window:String} = '' OR window = {window:String})
          ORDER BY start DESC, window, field LIMIT {limit:UInt32}`,
        query_params: { job, window: window ?? '', limit },
        format: 'JSONEachRow',
      });
      return (await answer.json<ShownRow>()).map(toResult);
    } catch (cause) {
      throw serviceFault('clickhouse', `reading the results of count ${job}`, cause);
    }
  }

  async #handle(job: string) {
    const client = await this.#connections.temporal();
    return client.workflow.getHandle<typeof countUniqueUsers>(countWorkflowId(job));
  }
}

interface ShownRow extends Pick<
  UniqueUsersResult,
  'window' | 'users' | 'error' | 'frames' | 'status' | 'revision'
> {
  readonly start_s: number;
  readonly end_s: number;
  readonly field: string;
  readonly emitted_ms: string | number;
}

const toResult = ({
  start_s,
  end_s,
  emitted_ms,
  field,
  window,
  users,
  error,
  frames,
  status,
  revision,
}: ShownRow): UniqueUsersResult => ({
  window,
  start: isoSeconds(start_s * 1_000),
  end: isoSeconds(end_s * 1_000),
  ...(field !== '' && { field }),
  users,
  error,
  frames,
  status,
  revision,
  emittedAt: new Date(Number(emitted_ms)).toISOString(),
});

/** How a workflow that is over has ended. */
async function endOf(
  result: () => Promise<CountResult>,
): Promise<{ outcome: CountResult['outcome'] | null; fault: string | null }> {
  try {
    return { outcome: (await result()).outcome, fault: null };
  } catch (error) {
    const { code, message } = fromTemporal('counting', error);
    return { outcome: null, fault: `${message} (${code})` };
  }
}

/** What the laps under way have said last, and what the last attempt of one that is tried again met. */
function laps({ raw }: WorkflowExecutionDescription): { live: CountReport[]; fault: string | null } {
  const pending = raw.pendingActivities ?? [];
  const live = pending.flatMap(({ heartbeatDetails }) =>
    (heartbeatDetails?.payloads ?? []).slice(0, 1).flatMap((payload) => {
      const report = defaultPayloadConverter.fromPayload<CountReport | null | undefined>(payload);
      return report ? [report] : [];
    }),
  );
  const failure = pending.find(({ lastFailure }) => lastFailure)?.lastFailure;
  return { live, fault: failure?.message ?? null };
}

const noCount = (job: string): PipelineError =>
  new PipelineError('NO_COUNT', `looking for count ${job}: there is none of that name`);
