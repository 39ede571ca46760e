import { ask } from '../clients/ask-clickhouse.js';
import { PipelineError } from '../core/errors.js';
import { stagingFault, type StagingContent } from '../core/gold.js';
import {
  abandonRuns,
  createStaging,
  digestGold,
  fillStatement,
  lastCompleteRun,
  measureStaging,
  OTHER_STAGING,
  recordedRuns,
  replacePartition,
  UNKNOWN_USER_DAY,
} from '../core/gold-sql.js';
import { recordUnknownUsers } from '../core/gold-days-sql.js';
import {
  goldAttemptQueryPrefix,
  goldQueryPrefix,
  goldStagingPrefix,
  goldStagingTable,
  type GoldAttempt,
} from '../core/ids.js';
import type { GoldRun } from '../messages.js';
import type { ClickHouseDeps } from './clickhouse.js';
import { serverNowMs } from './gold-record.js';

/** Rows as the server counted them while the SELECT ran. */
export interface FillReport {
  readonly rowsRead: string;
  /** All of staging: gold's rows and what is unknown. */
  readonly rowsWritten: string;
}

/** How long an attempt that failed may tidy up, ms: what it cannot do, the next attempt's fence does. */
const GIVE_UP_MS = 10_000;
/** A check that fails is tried again, as a crash may have torn staging; one that fails this often has found a fault of the data. */
const CHECKED_ATTEMPTS = 3;

/** A day's rows, digested; decimal strings. */
interface DayDigest {
  readonly rowsWritten: string;
  readonly digest: string;
}

type Counted = Pick<GoldRun, 'rowsWritten' | 'events' | 'unknownUsers' | 'unknownEvents'>;

/** The steps of one attempt, each a few statements; `current` names the one under way. */
export class AttemptSteps {
  current: string;
  readonly #deps: ClickHouseDeps;
  readonly #attempt: GoldAttempt;
  readonly #tries: number;
  readonly #signal: AbortSignal;
  readonly #staging: string;
  readonly #ownQueries: string;
  #created = false;
  #serial = 0;

  /** `tries`: how often the activity has been tried, this time included. */
  constructor(deps: ClickHouseDeps, attempt: GoldAttempt, tries: number, signal: AbortSignal) {
    this.#deps = deps;
    this.#attempt = attempt;
    this.#tries = tries;
    this.#signal = signal;
    this.#staging = goldStagingTable(attempt);
    this.#ownQueries = goldAttemptQueryPrefix(attempt);
    this.current = `beginning gold of ${attempt.day}`;
  }

  /**
   * Drops every staging table of this day that is not this attempt's. Whoever has none has nothing to write into or to
   * replace from. Where there is one its INSERTs end first, and to their end (SYNC): they would go on writing into a
   * table they hold. Returns the server's time after that.
   */
  async fenceOthers(): Promise<number> {
    this.#enter('fencing other attempts');
    const { others, nowMs } = await this.#otherStaging();
    if (others.length === 0) return nowMs;
    // INSERTs only: two fences that killed each other's KILL would wait for each other.
    await this.#command(
      `KILL QUERY ${this.#deps.onCluster} WHERE query_kind = 'Insert' AND startsWith(query_id, {day:String})
       AND NOT startsWith(query_id, {own:String}) SYNC`,
      { day: goldQueryPrefix(this.#attempt.day), own: this.#ownQueries },
    );
    for (const table of others) await this.#drop(table);
    return serverNowMs(this.#deps);
  }

  async #otherStaging(): Promise<{ others: string[]; nowMs: number }> {
    const [found] = await ask<{ others: string[]; nowMs: number }>(this.#deps, OTHER_STAGING, {
      database: this.#deps.database,
      prefix: goldStagingPrefix(this.#attempt.day),
      own: this.#staging,
    });
    if (found === undefined) throw this.#fault('no answer');
    return found;
  }

  /** Whether some attempt at the day is still recorded as running, and the run that completed last. */
  async readRecord(): Promise<{ readonly isOpen: boolean; readonly last: GoldRun | undefined }> {
    this.#enter('reading the record');
    const { database } = this.#deps;
    const { day } = this.#attempt;
    const [found] = await ask<{ running: number; complete: number }>(this.#deps, recordedRuns(database, day));
    if (found === undefined) throw this.#fault('no answer');
    const [last] = found.complete === 0 ? [] : await ask<GoldRun>(this.#deps, lastCompleteRun(database, day));
    return { isOpen: found.running > 0, last };
  }

  /** Whoever is still recorded as running this day is not any more. */
  async abandonOthers(nowMs: number): Promise<void> {
    this.#enter('recording abandoned attempts');
    const { runId, attempt, day } = this.#attempt;
    await this.#command(abandonRuns(this.#deps.database, day, 'others'), { runId, attempt, nowMs });
  }

  async createStaging(): Promise<void> {
    this.#enter('creating staging');
    await this.#command(createStaging(this.#deps.database, this.#staging, this.#deps.onCluster));
    this.#created = true;
  }

  async fill(): Promise<FillReport> {
    this.#enter('filling staging');
    const { day } = this.#attempt;
    const { clickhouse, database } = this.#deps;
    const { summary } = await clickhouse.command({
      query: fillStatement(database, this.#staging, day),
      query_id: this.#queryId(),
      abort_signal: this.#signal,
      // The summary in the answer's header is whole only when the answer is sent at the end.
      clickhouse_settings: { wait_end_of_query: 1 },
    });
    if (summary === undefined) throw this.#fault('the server sent no summary');
    return { rowsRead: summary.read_rows, rowsWritten: summary.written_rows };
  }

  async checkStaging(reportedRows: string): Promise<Counted & DayDigest> {
    this.#enter('checking staging');
    const { day } = this.#attempt;
    const statement = measureStaging(this.#deps.database, this.#staging, day);
    const [found] = await ask<StagingContent & Counted & DayDigest>(this.#deps, statement);
    if (found === undefined) throw this.#fault('no answer');
    const fault = stagingFault(reportedRows, found);
    if (fault !== undefined) throw this.#fault(fault);
    return found;
  }

  /** Keeps who could not be counted: once they are known, the day is stale. */
  async recordUnknown(): Promise<void> {
    this.#enter('recording unknown users');
    const { runId, attempt, day } = this.#attempt;
    const statement = recordUnknownUsers(this.#deps.database, this.#staging, day, UNKNOWN_USER_DAY);
    await this.#command(statement, { runId, attempt });
  }

  async replace(): Promise<void> {
    this.#enter('replacing the day');
    const { database, onCluster } = this.#deps;
    await this.#command(replacePartition(database, this.#staging, this.#attempt.day, onCluster));
  }

  /** Gold must hold now what staging was found to hold. Returns the server's time of that. */
  async checkGold({ rowsWritten, digest }: DayDigest): Promise<number> {
    this.#enter('checking gold');
    const statement = digestGold(this.#deps.database, this.#attempt.day);
    const [shown] = await ask<DayDigest & { nowMs: number }>(this.#deps, statement);
    if (shown?.rowsWritten !== rowsWritten || shown.digest !== digest) {
      throw this.#fault('gold differs from what it was replaced with');
    }
    return shown.nowMs;
  }

  async dropStaging(): Promise<void> {
    this.#enter('dropping staging');
    await this.#drop(this.#staging);
  }

  /** Whether this attempt's table was there and, as far as can be told, is not any more. */
  async lostStaging(): Promise<boolean> {
    if (!this.#created) return false;
    const found = await ask<{ found: number }>(
      this.#deps,
      'SELECT count() > 0 AS found FROM system.tables WHERE database = {database:String} AND name = {name:String}',
      { database: this.#deps.database, name: this.#staging },
    ).catch(() => undefined);
    return found === undefined || found[0]?.found === 0;
  }

  /** Leaves nothing running, no table and no open record behind, as far as the server can be reached: the next attempt does the rest. */
  async giveUp(): Promise<void> {
    const signal = AbortSignal.timeout(GIVE_UP_MS);
    await this.#tidyUp(signal).catch(() => undefined);
  }

  async #tidyUp(abort_signal: AbortSignal): Promise<void> {
    const { clickhouse, database, onCluster } = this.#deps;
    const { day, runId, attempt } = this.#attempt;
    await clickhouse.command({
      query: `KILL QUERY ${onCluster} WHERE query_kind = 'Insert' AND startsWith(query_id, {own:String}) SYNC`,
      query_params: { own: this.#ownQueries },
      abort_signal,
    });
    await this.#drop(this.#staging, abort_signal);
    const nowMs = await serverNowMs(this.#deps);
    await clickhouse.command({
      query: abandonRuns(database, day, 'own'),
      query_params: { runId, attempt, nowMs },
      abort_signal,
    });
  }

  #enter(step: string): void {
    // Overtaken or cancelled attempts stop at the next step; what keeps them harmless in between is the fence.
    this.#signal.throwIfAborted();
    this.current = `${step} of ${this.#attempt.day}`;
  }

  /** Derived, and never used twice by one attempt. */
  #queryId(): string {
    this.#serial += 1;
    const step = this.current.split(' ').slice(0, 2).join('-');
    return `${this.#ownQueries}${this.#serial}-${step}`;
  }

  async #drop(table: string, signal = this.#signal): Promise<void> {
    const { clickhouse, database, onCluster } = this.#deps;
    await clickhouse.command({
      query: `DROP TABLE IF EXISTS ${database}.${table} ${onCluster} SYNC`,
      abort_signal: signal,
    });
  }

  async #command(query: string, params: Record<string, unknown> = {}): Promise<void> {
    await this.#deps.clickhouse.command({
      query,
      query_params: params,
      query_id: this.#queryId(),
      abort_signal: this.#signal,
    });
  }

  #fault(what: string): PipelineError {
    return new PipelineError('GOLD_CHECK_FAILED', `${this.current}: ${what}`, {
      retryable: this.#tries < CHECKED_ATTEMPTS,
      at: { day: this.#attempt.day },
    });
  }
}
