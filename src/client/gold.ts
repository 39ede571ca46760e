import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { ask } from '../activities/gold-record.js';
import { serviceFault } from '../clients/fault.js';
import { parseDay, previousDay, type Day } from '../core/day.js';
import { PipelineError } from '../core/errors.js';
import { admitDay } from '../core/gold.js';
import { dayRows, dayTotals, lastAttempt, lastCompleteRun } from '../core/gold-sql.js';
import { CONTROL_QUEUE, goldDayWorkflowId } from '../core/ids.js';
import type {
  GoldDayInput,
  GoldDayProgress,
  GoldDayResult,
  GoldDayView,
  GoldRow,
  GoldRun,
} from '../messages.js';
import { goldProgress, goldRequest } from '../workflows/definitions.js';
import type { goldDay } from '../workflows/gold-day.js';
import type { ClientConnections } from './connections.js';
import { fromTemporal } from './failure.js';
import { requireWorker } from './require-worker.js';

export interface GoldRunOptions extends Partial<GoldDayInput> {
  /** Told now and then at which step the run is. */
  readonly onProgress?: (progress: GoldDayProgress) => void;
}

export interface GoldShowOptions {
  readonly day: Day;
  /** Rows to give, the busiest users first; default 20. */
  readonly limit?: number;
}

/** How often a waiting caller asks for the step, ms. */
const PROGRESS_EVERY_MS = 1_000;

/** `tidemark.gold`: days of gold_user_activity. */
export class GoldClient {
  readonly #connections: ClientConnections;

  constructor(connections: ClientConnections) {
    this.#connections = connections;
  }

  /**
   * Computes a day (default: the previous UTC day) and waits for it; attaches to a run under way, to which it adds its
   * options. A day that is neither stale nor forced gives its recorded run.
   * @throws PipelineError `BAD_DAY`, `DAY_IN_FUTURE`, `DAY_UNFINISHED`, `GATE_TIMEOUT`, `NO_WORKER`, `TEMPORAL_UNREACHABLE` ...
   */
  async run(options: GoldRunOptions = {}): Promise<GoldDayResult> {
    const nowMs = Date.now();
    const { onProgress, day: wanted = previousDay(nowMs), ...rest } = options;
    const day = parseDay(wanted);
    const admission = admitDay(day, nowMs, rest.force ?? false);
    if (admission.kind === 'refused')
      throw new PipelineError(admission.code, admission.message, { at: { day } });
    const client = await this.#connections.temporal();
    try {
      await requireWorker(client, CONTROL_QUEUE, 'workflow');
      return await startOrAttach(client, { ...rest, day }, onProgress);
    } catch (error) {
      throw fromTemporal(`computing gold of ${day}`, error);
    }
  }

  /** A day as it stands, read from ClickHouse. @throws PipelineError `CLICKHOUSE_UNREACHABLE`, `CLICKHOUSE_REFUSED` ... */
  async show({ day: wanted, limit = 20 }: GoldShowOptions): Promise<GoldDayView> {
    const day = parseDay(wanted);
    const { clickhouse, config } = this.#connections;
    const { database } = config.clickhouse;
    const store = { clickhouse };
    try {
      const [attempts, runs, totals, rows] = await Promise.all([
        ask<GoldRun>(store, lastAttempt(database, day)),
        ask<GoldRun>(store, lastCompleteRun(database, day)),
        ask<{ users: string; events: string }>(store, dayTotals(database, day)),
        ask<GoldRow>(store, dayRows(database, day), { limit }),
      ]);
      const { users = '0', events = '0' } = totals[0] ?? {};
      return { day, lastAttempt: attempts[0] ?? null, run: runs[0] ?? null, users, events, rows };
    } catch (cause) {
      throw serviceFault('clickhouse', `reading gold of ${day}`, cause);
    }
  }
}

async function startOrAttach(
  client: Client,
  input: GoldDayInput,
  onProgress: GoldRunOptions['onProgress'],
): Promise<GoldDayResult> {
  const start = new WithStartWorkflowOperation<typeof goldDay>('goldDay', {
    workflowId: goldDayWorkflowId(input.day),
    taskQueue: CONTROL_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `gold of ${input.day}`,
  });
  const { force, requestedBy } = input;
  const request = {
    ...(force !== undefined && { force }),
    ...(requestedBy !== undefined && { requestedBy }),
  };
  await client.workflow.executeUpdateWithStart(goldRequest, {
    args: [request],
    startWorkflowOperation: start,
  });
  const handle = await start.workflowHandle();
  if (onProgress === undefined) return handle.result();
  const asking = setInterval(() => {
    // A step not told is none missed: the run may just have ended, or a worker be busy.
    handle.query(goldProgress).then(onProgress, () => undefined);
  }, PROGRESS_EVERY_MS);
  try {
    return await handle.result();
  } finally {
    clearInterval(asking);
  }
}
