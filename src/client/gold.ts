import { startGoldDay } from '../activities/gold-day.js';
import { ask } from '../clients/ask-clickhouse.js';
import { serviceFault } from '../clients/fault.js';
import { parseDay, previousDay, type Day } from '../core/day.js';
import { PipelineError } from '../core/errors.js';
import { admitDay } from '../core/gold.js';
import { dayRows, dayTotals, lastAttempt, lastCompleteRun } from '../core/gold-sql.js';
import { CONTROL_QUEUE } from '../core/ids.js';
import type { GoldDayState, PlannedDay } from '../core/gold-days.js';
import type {
  GoldBackfillResult,
  GoldDayInput,
  GoldDayProgress,
  GoldDayResult,
  GoldDayView,
  GoldRow,
  GoldRun,
} from '../messages.js';
import { goldProgress } from '../workflows/definitions.js';
import type { ClientConnections } from './connections.js';
import { fromTemporal } from '../clients/workflow-fault.js';
import {
  cancelBackfill,
  pauseBackfill,
  planBackfill,
  readStatus,
  resumeBackfill,
  runBackfill,
  type Dates,
  type GoldBackfillOptions,
  type GoldStatusOptions,
} from './gold-backfill.js';
import { requireWorker } from './require-worker.js';
import { watched } from './watched.js';

export interface GoldRunOptions extends Partial<Omit<GoldDayInput, 'barrier'>> {
  /** Told now and then at which step the run is. */
  readonly onProgress?: (progress: GoldDayProgress) => void;
}

export interface GoldShowOptions {
  readonly day: Day;
  /** Rows to give, the busiest users first; default 20. */
  readonly limit?: number;
}

/** `tidemark.gold`: days of gold_user_activity. */
export class GoldClient {
  readonly #connections: ClientConnections;

  constructor(connections: ClientConnections) {
    this.#connections = connections;
  }

  /**
   * Computes a day (default: the previous UTC day) and waits for it; attaches to a run under way, to which it adds
   * that it forces, and who it is. A day that is neither stale nor forced gives its recorded run.
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
      return await watched(await startGoldDay(client, { ...rest, day }), goldProgress, onProgress);
    } catch (error) {
      throw fromTemporal(`computing gold of ${day}`, error);
    }
  }

  /**
   * Computes the days of a range that its selection names (default: missing and stale ones), newest first, and waits;
   * attaches to the same backfill under way. Safe to repeat: what is done already is not done again, unless all are asked for.
   * @throws DaysFailedError (`DAYS_FAILED`) with the result, when days failed; the others are computed.
   * @throws PipelineError `BAD_RANGE`, `BACKFILL_RUNNING`, `GATE_TIMEOUT`, `NO_WORKER` ...
   */
  backfill(options: GoldBackfillOptions): Promise<GoldBackfillResult> {
    return runBackfill(this.#connections, options);
  }

  /** The days that `backfill` would compute now, newest first, each with why. @throws PipelineError `BAD_RANGE` ... */
  planBackfill(options: GoldBackfillOptions): Promise<PlannedDay[]> {
    return planBackfill(this.#connections, options);
  }

  /** Starts no further day; those under way are finished. @throws PipelineError `NO_BACKFILL`. */
  pauseBackfill(dates: Dates): Promise<void> {
    return pauseBackfill(this.#connections, dates);
  }

  /** @throws PipelineError `NO_BACKFILL`. */
  resumeBackfill(dates: Dates): Promise<void> {
    return resumeBackfill(this.#connections, dates);
  }

  /** Ends it after the days under way. @throws PipelineError `NO_BACKFILL`. */
  cancelBackfill(dates: Dates): Promise<void> {
    return cancelBackfill(this.#connections, dates);
  }

  /** Every day of `[from, to]`: missing, complete, stale (and why), running or failed. @throws PipelineError `BAD_RANGE` ... */
  status(options: GoldStatusOptions): Promise<GoldDayState[]> {
    return readStatus(this.#connections, options);
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
