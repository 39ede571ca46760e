import { ask } from '../clients/ask-clickhouse.js';
import { serviceFault } from '../clients/fault.js';
import { checkCount } from '../core/count-plan.js';
import { PipelineError } from '../core/errors.js';
import { countWorkflowId } from '../core/ids.js';
import { UNIQUE_USERS_TOPIC } from '../core/names.js';
import type { UniqueUsersResult } from '../core/uniques-result.js';
import { isoSeconds, type WindowKind } from '../core/window.js';
import type { CountInput, CountPlan, CountResult, CountStatus } from '../messages.js';
import { countProgress, stopCount } from '../workflows/count-definitions.js';
import type { ClientConnections } from './connections.js';
import { countStatus } from './count-status.js';
import { SlicedJobs } from './sliced-jobs.js';

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
  readonly #jobs: SlicedJobs<CountPlan>;

  constructor(connections: ClientConnections) {
    this.#connections = connections;
    this.#jobs = new SlicedJobs(connections, {
      noun: 'count',
      workflow: 'countUniqueUsers',
      workflowId: countWorkflowId,
      missing: 'NO_COUNT',
      stop: stopCount,
      progress: countProgress,
    });
  }

  /**
   * Starts a count, or finds the one of that name: running with the same options, or finished (`wait` then gives its recorded result).
   * @throws PipelineError `JOB_EXISTS` when it is running with others, `BAD_COUNT`, `NO_WORKER`, `TEMPORAL_UNREACHABLE`. What the topics lack is thrown by `wait`.
   */
  async start(input: CountInput): Promise<void> {
    checkCount(input);
    await this.#jobs.start(input, `unique users of ${input.source}`);
  }

  /** @throws PipelineError with the code of what ended the count: `TOPIC_MISSING`, `JOB_EXISTS`, `GAP` ... */
  wait(job: string): Promise<CountResult> {
    return this.#jobs.wait(job);
  }

  /** Ends a count at its next commit and waits for that; a start with the same input goes on. @throws PipelineError `NO_COUNT`. */
  stop(job: string): Promise<CountResult> {
    return this.#jobs.stop(job);
  }

  /** @throws PipelineError `NO_COUNT`. */
  async status(job: string): Promise<CountStatus> {
    return countStatus(await this.#jobs.look(job));
  }

  /**
   * The newest result of each window, read from ClickHouse.
   * @throws PipelineError `NOT_IN_CLICKHOUSE` when they go to a topic that it does not read, `CLICKHOUSE_UNREACHABLE` ...
   */
  async show({ job, window, limit = 20 }: CountShowOptions): Promise<UniqueUsersResult[]> {
    const { database } = this.#connections.config.clickhouse;
    try {
      const rows = await ask<ShownRow>(
        this.#connections,
        `
          SELECT window, toFloat64(start) AS start_s, toFloat64(end) AS end_s, field, toFloat64(users) AS users, error,
                 toFloat64(frames) AS frames, status, revision, toUnixTimestamp64Milli(emitted_at) AS emitted_ms
          FROM ${database}.unique_users
          WHERE job = {job:String} AND ({window:String} = '' OR window = {window:String})
          ORDER BY start DESC, window, field LIMIT {limit:UInt32}`,
        { job, window: window ?? '', limit },
      );
      if (rows.length === 0) await this.#requireRead(job);
      return rows.map(toResult);
    } catch (cause) {
      throw serviceFault('clickhouse', `reading the results of count ${job}`, cause);
    }
  }

  /** That a job has no results there is only worth saying without a reason while they may still come. */
  async #requireRead(job: string): Promise<void> {
    const { database } = this.#connections.config.clickhouse;
    const query = `SELECT any(target) AS target FROM ${database}.unique_users_jobs FINAL WHERE job = {job:String}`;
    const [{ target } = { target: '' }] = await ask<{ target: string }>(this.#connections, query, { job });
    if (target === '' || target === UNIQUE_USERS_TOPIC) return;
    const where = `they are in topic ${target}, and ClickHouse reads ${UNIQUE_USERS_TOPIC} only`;
    throw new PipelineError('NOT_IN_CLICKHOUSE', `reading the results of count ${job}: ${where}`);
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
