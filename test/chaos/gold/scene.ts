import type { ClickHouseClient } from '@clickhouse/client';
import type { Stack } from '../../../infra/embedded/index.js';
import { connectClickHouse } from '../../../src/clients/clickhouse.js';
import type { Day } from '../../../src/core/day.js';
import { goldQueryPrefix } from '../../../src/core/ids.js';
import { compareRows, type ComparisonResult, type Row } from '../../../src/generate/compare.js';
import { Tidemark, type GoldDayResult } from '../../../src/index.js';
import { waitUntil } from '../../../src/wait-until.js';
import { exactGold, fillEvents, fillUsers, type BigDay } from '../../support/big-day.js';
import { attemptsOf, goldRows, stagingTables, type RecordedAttempt } from '../../support/gold.js';
import { WorkerProcess } from './worker-process.js';

/** Long enough an INSERT that a fault can be put into its middle. */
const EVENTS = 2_500_000;
const USERS = 20_000;
/** Late events before every further run: a result from before them can be told from one after. */
const LATE_EVENTS = 5_000;
const DAY: Day = '2024-03-10';
const LIMIT_MS = 120_000;

/** A big day of silver, workers that can be killed and stopped, and what must be true after whatever befell them. */
export class GoldScene {
  readonly stack: Stack;
  readonly clickhouse: ClickHouseClient;
  readonly tidemark: Tidemark;
  #big: BigDay = { day: DAY, events: 0, users: USERS };
  #workers: WorkerProcess[] = [];
  #started = 0;

  constructor(stack: Stack) {
    this.stack = stack;
    this.clickhouse = connectClickHouse(stack.config);
    this.tidemark = new Tidemark(stack.config);
  }

  async prepare(): Promise<void> {
    // Parts as they came: FINAL has work to do, every time the same.
    await this.clickhouse.command({ query: 'SYSTEM STOP MERGES silver_events' });
    await fillUsers(this.clickhouse, this.#big);
    await this.#addEvents(EVENTS);
  }

  addLateEvents(): Promise<void> {
    return this.#addEvents(LATE_EVENTS);
  }

  async startWorker(): Promise<WorkerProcess> {
    this.#started += 1;
    const worker = await WorkerProcess.start(this.stack, `gold-worker-${this.#started}`);
    this.#workers.push(worker);
    return worker;
  }

  /** The one worker there is; a new one when the last was killed. */
  async worker(): Promise<WorkerProcess> {
    const living = this.#workers.find((worker) => worker.isAlive);
    return living ?? this.startWorker();
  }

  /** A computation of the day, whatever is recorded. Temporal's first poll of a new worker is waited for. */
  async run(): Promise<GoldDayResult> {
    const { gold } = this.tidemark;
    return waitUntil(
      'a worker to poll',
      () =>
        gold.run({ day: DAY, force: true }).catch((error: { code?: string }) => {
          if (error.code === 'NO_WORKER') return undefined;
          throw error;
        }),
      { timeoutMs: LIMIT_MS, everyMs: 250 },
    );
  }

  /** The query_id of the INSERT that fills staging, while it runs. */
  async fillUnderWay(): Promise<string | undefined> {
    const answer = await this.clickhouse.query({
      query: `SELECT query_id FROM system.processes
              WHERE startsWith(query_id, {prefix:String}) AND query_kind = 'Insert' AND query LIKE '%gold_staging%' AND elapsed > 0.05`,
      query_params: { prefix: goldQueryPrefix(DAY) },
      format: 'JSONEachRow',
    });
    const [row] = await answer.json<{ query_id: string }>();
    return row?.query_id;
  }

  async untilFilling(): Promise<string> {
    return waitUntil('the INSERT of a day to run', () => this.fillUnderWay(), {
      timeoutMs: LIMIT_MS,
      everyMs: 5,
    });
  }

  rows(): Promise<Row[]> {
    return goldRows(this.clickhouse, DAY);
  }

  attempts(): Promise<RecordedAttempt[]> {
    return attemptsOf(this.clickhouse, DAY);
  }

  async compare(): Promise<ComparisonResult> {
    return compareRows(exactGold(this.#big) as unknown as Row[], await this.rows(), ['day', 'user_id']);
  }

  /** What a run must leave behind: nothing but its rows and a record of it. Empty: all is as it must be. */
  async remains(run: GoldDayResult): Promise<string[]> {
    const faults: string[] = [];
    const staging = await stagingTables(this.clickhouse, DAY);
    if (staging.length > 0) faults.push(`staging left: ${staging.join(', ')}`);
    const filling = await this.fillUnderWay();
    if (filling !== undefined) faults.push(`still running: ${filling}`);
    const attempts = await this.attempts();
    const running = attempts.filter(({ status }) => status === 'running').length;
    if (running > 0) faults.push(`${running} attempts recorded as running`);
    const own = attempts.filter(({ run_id, status }) => run_id === run.runId && status === 'complete');
    if (!own.some(({ attempt }) => attempt === run.attempt))
      faults.push('the run is not recorded as complete');
    const rows = (await this.rows()).length;
    if (Number(run.rowsWritten) !== rows) faults.push(`${run.rowsWritten} rows recorded, ${rows} there`);
    return faults;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill()));
    await Promise.all([this.clickhouse.close(), this.tidemark.close()]);
  }

  async #addEvents(count: number): Promise<void> {
    const from = this.#big.events;
    this.#big = { ...this.#big, events: from + count };
    await fillEvents(this.clickhouse, this.#big, from, from + count);
  }
}
