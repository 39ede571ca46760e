import { createHash } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { readGoldDays } from '../activities/gold-days.js';
import { serviceFault } from '../clients/fault.js';
import { fromTemporal } from '../clients/workflow-fault.js';
import { codeVersion } from '../code-version.js';
import { parseDay, type Day } from '../core/day.js';
import { PipelineError } from '../core/errors.js';
import {
  pastDays,
  planDays,
  type BackfillSelection,
  type GoldDayState,
  type PlannedDay,
} from '../core/gold-days.js';
import { CONTROL_QUEUE, goldBackfillWorkflowId } from '../core/ids.js';
import type { GoldBackfillProgress, GoldBackfillRequest, GoldBackfillResult } from '../messages.js';
import { backfillPause, backfillProgress, backfillResume } from '../workflows/definitions.js';
import type { goldBackfill } from '../workflows/gold-backfill.js';
import type { ClientConnections } from './connections.js';
import { requireWorker } from './require-worker.js';
import { watched } from './watched.js';

/** Days by their dates, both included. */
export interface Dates {
  readonly from: Day;
  readonly to: Day;
}

export interface GoldBackfillOptions extends Dates {
  /** Which of the days; default those that were never computed and those that are stale. */
  readonly selection?: Partial<BackfillSelection>;
  /** Days computed at once; default 4. Of a backfill under way it cannot be changed. */
  readonly parallelism?: number;
  readonly requestedBy?: string;
  readonly gateTimeoutMs?: number;
  /** Told now and then how far it is. */
  readonly onProgress?: (progress: GoldBackfillProgress) => void;
}

export interface GoldStatusOptions extends Dates {
  /** Also says of which days a user's name, email or deletion has changed since, which reads gold of the range. */
  readonly users?: boolean;
}

/** Twice a small machine's cores: a day waits for Temporal and ClickHouse in turn. */
const PARALLELISM = 4;
const MOST_PARALLEL = 32;

type Handle = WorkflowHandle<typeof goldBackfill>;

/** `DAYS_FAILED`: some days of a backfill failed, each named in its result; all others are computed. */
export class DaysFailedError extends PipelineError {
  readonly result: GoldBackfillResult;

  constructor(message: string, result: GoldBackfillResult, cause: unknown) {
    super('DAYS_FAILED', message, { cause });
    this.result = result;
  }
}

/** Starts a backfill, or attaches to the same one under way, and waits for it. @throws DaysFailedError at its end. */
export async function runBackfill(
  connections: ClientConnections,
  { onProgress, ...options }: GoldBackfillOptions,
): Promise<GoldBackfillResult> {
  const request = backfillRequest(options, Date.now());
  const doing = `backfilling ${options.from} to ${options.to}`;
  const client = await connections.temporal();
  try {
    await requireWorker(client, CONTROL_QUEUE, 'workflow');
    const handle = await startOrAttach(client, request, options);
    return await watched(handle, backfillProgress, onProgress);
  } catch (error) {
    throw endOf(fromTemporal(doing, error));
  }
}

/** The fault of a backfill, with its result where it came to one: the workflow's failure carries it. */
function endOf(fault: PipelineError): PipelineError {
  const { code, message, cause } = fault;
  if (code !== 'DAYS_FAILED' || !(cause instanceof ApplicationFailure)) return fault;
  const [result] = (cause.details ?? []) as [GoldBackfillResult?];
  return result === undefined ? fault : new DaysFailedError(message, result, cause);
}

/** What a backfill would compute now, newest first, each day with why. Nothing is started, and silver not waited for. */
export async function planBackfill(
  connections: ClientConnections,
  options: GoldBackfillOptions,
): Promise<PlannedDay[]> {
  const { selection } = backfillRequest(options, Date.now());
  const users = selection.also.includes('users-changed');
  return planDays(await readStatus(connections, { ...options, users }), selection);
}

/** Every day of `[from, to]`, in order. */
export async function readStatus(
  { clickhouse, config }: ClientConnections,
  { from, to, users = false }: GoldStatusOptions,
): Promise<GoldDayState[]> {
  const doing = `reading the days from ${from} to ${to}`;
  const days = pastDays(doing, parseDay(from), parseDay(to), Date.now());
  const store = { clickhouse, database: config.clickhouse.database };
  try {
    return await readGoldDays(store, { days, users, codeVersion: codeVersion() });
  } catch (cause) {
    throw serviceFault('clickhouse', doing, cause);
  }
}

export const pauseBackfill = (connections: ClientConnections, dates: Dates): Promise<void> =>
  tell(connections, dates, 'pausing', (handle) => handle.signal(backfillPause));

export const resumeBackfill = (connections: ClientConnections, dates: Dates): Promise<void> =>
  tell(connections, dates, 'resuming', (handle) => handle.signal(backfillResume));

export const cancelBackfill = (connections: ClientConnections, dates: Dates): Promise<void> =>
  tell(connections, dates, 'cancelling', async (handle) => {
    // To cancel one that has ended is no fault to Temporal.
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') {
      throw new WorkflowNotFoundError('it has ended', handle.workflowId, undefined);
    }
    await handle.cancel();
  });

/** All that can be wrong with a request, before anything is started. @throws PipelineError `BAD_RANGE`, `BAD_DAY`. */
function backfillRequest(options: GoldBackfillOptions, nowMs: number): GoldBackfillRequest {
  const { from, to, selection = { missing: true, stale: true }, parallelism = PARALLELISM } = options;
  const doing = `backfilling ${from} to ${to}`;
  pastDays(doing, parseDay(from), parseDay(to), nowMs);
  if (!Number.isInteger(parallelism) || parallelism < 1 || parallelism > MOST_PARALLEL) {
    throw new PipelineError(
      'BAD_RANGE',
      `${doing}: ${parallelism} days at once; from 1 to ${MOST_PARALLEL} can be`,
    );
  }
  const { missing = false, stale = false, also = [], all = false } = selection;
  const { requestedBy = goldBackfillWorkflowId(from, to), gateTimeoutMs } = options;
  return {
    range: { from, to },
    // In one order: it is the same selection whichever way round it is asked for.
    selection: { missing, stale, also: [...new Set(also)].sort(), all },
    parallelism,
    requestedBy,
    ...(gateTimeoutMs !== undefined && { gateTimeoutMs }),
  };
}

/**
 * The same range with the same selection is the same backfill; with another one, or more or fewer days at once, it is
 * refused while the first runs.
 */
async function startOrAttach(
  client: Client,
  request: GoldBackfillRequest,
  { from, to, parallelism }: GoldBackfillOptions,
): Promise<Handle> {
  const workflowId = goldBackfillWorkflowId(from, to);
  const selection = createHash('sha256').update(JSON.stringify(request.selection)).digest('hex');
  try {
    return await client.workflow.start<typeof goldBackfill>('goldBackfill', {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [request],
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `gold of ${from} to ${to}`,
      memo: { selection, parallelism: request.parallelism },
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const handle = client.workflow.getHandle<typeof goldBackfill>(workflowId);
    const { memo } = await handle.describe();
    const refused = (how: string): PipelineError => {
      const message = `backfilling ${from} to ${to}: a backfill of these dates ${how} is under way`;
      return new PipelineError('BACKFILL_RUNNING', message, { cause: error });
    };
    if (memo?.selection !== selection) throw refused('with another selection');
    // Who names no number takes what there is.
    if (parallelism !== undefined && memo.parallelism !== parallelism) {
      throw refused(`that computes ${String(memo.parallelism)} days at once, not ${parallelism},`);
    }
    return handle;
  }
}

async function tell(
  connections: ClientConnections,
  { from, to }: Dates,
  what: string,
  say: (handle: Handle) => Promise<void>,
): Promise<void> {
  const client = await connections.temporal();
  const handle = client.workflow.getHandle<typeof goldBackfill>(
    goldBackfillWorkflowId(parseDay(from), parseDay(to)),
  );
  const doing = `${what} the backfill of ${from} to ${to}`;
  try {
    await say(handle);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw fromTemporal(doing, error);
    throw new PipelineError('NO_BACKFILL', `${doing}: none is under way`, { cause: error });
  }
}
