import { ask } from '../clients/ask-clickhouse.js';
import { serviceFault } from '../clients/fault.js';
import { cleanWorkflowId } from '../core/ids.js';
import {
  ALERTS,
  type AlertKind,
  type Dimension,
  type LoginAlert,
  type LoginIdentity,
  type LoginWindow,
} from '../core/logins/insights.js';
import { checkClean } from '../core/logins/plan.js';
import { isoSeconds } from '../core/window.js';
import type { CleanInput, CleanPlan, CleanResult, CleanStatus } from '../messages.js';
import { cleanProgress, stopClean } from '../workflows/clean-definitions.js';
import { cleanStatus } from './clean-status.js';
import type { ClientConnections } from './connections.js';
import { SlicedJobs } from './sliced-jobs.js';

export interface InsightsOptions {
  readonly job: string;
  /** Only windows of this dimension; default `all`. */
  readonly dimension?: Dimension;
  /** Windows, and alerts, to give, the newest first; default 10. */
  readonly limit?: number;
}

export interface ShownInsights {
  readonly windows: readonly Omit<LoginWindow, 'emittedAt'>[];
  readonly alerts: readonly Omit<LoginAlert, 'emittedAt'>[];
  readonly identity: readonly (Omit<LoginIdentity, 'emittedAt'> & { readonly holds: boolean })[];
}

/** `tidemark.clean`: logins cleaned, and what is seen of them. */
export class CleanClient {
  readonly #connections: ClientConnections;
  readonly #jobs: SlicedJobs<CleanPlan>;

  constructor(connections: ClientConnections) {
    this.#connections = connections;
    this.#jobs = new SlicedJobs(connections, {
      noun: 'cleaning',
      workflow: 'cleanLogins',
      workflowId: cleanWorkflowId,
      missing: 'NO_CLEANING',
      stop: stopClean,
      progress: cleanProgress,
    });
  }

  /**
   * Starts a cleaning, or finds the one of that name: running with the same options, or finished (`wait` then gives its recorded result).
   * @throws PipelineError `JOB_EXISTS` when it is running with others, `BAD_CLEAN`, `NO_WORKER`, `TEMPORAL_UNREACHABLE`. What the topics lack is thrown by `wait`.
   */
  async start(input: CleanInput): Promise<void> {
    checkClean(input);
    await this.#jobs.start(input, `logins of ${input.source}, cleaned`);
  }

  /** @throws PipelineError with the code of what ended it: `IDENTITY_BROKEN`, `TOPIC_MISSING`, `JOB_EXISTS`, `GAP` ... */
  wait(job: string): Promise<CleanResult> {
    return this.#jobs.wait(job);
  }

  /** Ends a cleaning at its next commit and waits for that; a start with the same input goes on. @throws PipelineError `NO_CLEANING`. */
  stop(job: string): Promise<CleanResult> {
    return this.#jobs.stop(job);
  }

  /** @throws PipelineError `NO_CLEANING`. */
  async status(job: string): Promise<CleanStatus> {
    return cleanStatus(await this.#jobs.look(job));
  }

  /** The newest insights and every partition's identity, read from ClickHouse. @throws PipelineError `CLICKHOUSE_UNREACHABLE` ... */
  async insights({ job, dimension = 'all', limit = 10 }: InsightsOptions): Promise<ShownInsights> {
    try {
      const [windows, alerts, identity] = await Promise.all([
        this.#ask<WindowRow>(WINDOWS, { job, dimension, limit }),
        this.#ask<AlertRow>(ALERTS_OF_JOB, { job, limit }),
        this.#ask<IdentityRow>(IDENTITY, { job }),
      ]);
      return {
        windows: windows.map(toWindow),
        alerts: alerts.flatMap(toAlert),
        identity: identity.map(toIdentity),
      };
    } catch (cause) {
      throw serviceFault('clickhouse', `reading the insights of ${job}`, cause);
    }
  }

  #ask<Row>(query: string, params: Record<string, unknown>): Promise<Row[]> {
    const { database } = this.#connections.config.clickhouse;
    return ask<Row>(this.#connections, query.replaceAll('{database}', database), params);
  }
}

const SPAN = 'toUnixTimestamp(start) AS start_s, toUnixTimestamp(end) AS end_s';
const WINDOWS = `
  SELECT ${SPAN}, dimension, value, toFloat64(logins) AS logins, toFloat64(users) AS users, error, status, revision
  FROM {database}.login_insights WHERE job = {job:String} AND dimension = {dimension:String}
  ORDER BY start DESC, value LIMIT {limit:UInt32}`;
const ALERTS_OF_JOB = `
  SELECT ${SPAN}, alert, subject, toFloat64(count) AS count, members, status
  FROM {database}.login_alerts WHERE job = {job:String}
  ORDER BY emitted_at DESC, start DESC, alert, subject LIMIT {limit:UInt32}`;
const IDENTITY = `
  SELECT partition, toFloat64(start_offset) AS startOffset, toFloat64(next_offset) AS offset, toFloat64(read) AS read,
         toFloat64(clean) AS clean, toFloat64(dlq) AS dlq, toFloat64(filtered) AS filtered,
         mapApply((k, v) -> (k, toFloat64(v)), dlq_reasons) AS dlqReasons,
         mapApply((k, v) -> (k, toFloat64(v)), filtered_reasons) AS filteredReasons, holds
  FROM {database}.login_identity WHERE job = {job:String} ORDER BY partition`;

interface Span {
  readonly start_s: number;
  readonly end_s: number;
}

type WindowRow = Span & Omit<LoginWindow, 'kind' | 'start' | 'end' | 'emittedAt'>;
type AlertRow = Span &
  Omit<LoginAlert, 'kind' | 'alert' | 'start' | 'end' | 'emittedAt'> & { readonly alert: string };
type IdentityRow = Omit<LoginIdentity, 'kind' | 'emittedAt'> & { readonly holds: number };

const spanOf = ({ start_s, end_s }: Span): { start: string; end: string } => ({
  start: isoSeconds(1_000 * start_s),
  end: isoSeconds(1_000 * end_s),
});

const toWindow = ({ start_s, end_s, ...row }: WindowRow): ShownInsights['windows'][number] => ({
  kind: 'window',
  ...spanOf({ start_s, end_s }),
  ...row,
});

const isAlert = (name: string): name is AlertKind => (ALERTS as readonly string[]).includes(name);

/** One of a later version is left out. */
const toAlert = ({ start_s, end_s, alert, ...row }: AlertRow): ShownInsights['alerts'][number][] =>
  isAlert(alert) ? [{ kind: 'alert', alert, ...spanOf({ start_s, end_s }), ...row }] : [];

const toIdentity = ({ holds, ...row }: IdentityRow): ShownInsights['identity'][number] => ({
  kind: 'identity',
  ...row,
  holds: holds === 1,
});
