import { PipelineError } from '../errors.js';
import { jsonRecord, readJson, type StateRecord } from '../uniques-state.js';
import { believedClock, mergedTimeS } from '../watermark.js';
import { LoginAlerts, type AlertRules } from './alerts.js';
import { decodeFacts, decodeReport, FACTS_KEY, PARTITION_PREFIX, type PartitionReport } from './facts.js';
import type { LoginIdentity, LoginInsight, MergeCounts } from './insights.js';
import { requireIdentity } from './tally.js';
import { LoginWindows } from './windows.js';

export interface InsightRules {
  readonly windowMs: number;
  readonly latenessMs: number;
  readonly alerts: AlertRules;
}

/** How far a window's final result stays behind the time reached. */
const ORDER_MS = 5_000;
/** How late a login may be and still count for alerts: what is followed until then is memory. */
const ALERT_LATENESS_MS = 300_000;

interface StoredMerge {
  readonly closedMs: number | null;
  readonly alertsClosedMs: number | null;
  readonly logins: number;
  readonly overflowUsers: number;
  readonly overflowDevices: number;
  readonly overflowValues: number;
  readonly afterClose: number;
  readonly lateForAlerts: number;
}

const REPORT_PREFIX = 'report/';
const MERGE_KEY = 'merge';

/**
 * What the slices tell of clean logins, across partitions: windows, alerts, and the identity of every partition. Each login
 * is told once (the slices' transactions), so that it is counted once. No clock and no I/O.
 */
export class LoginMerge {
  readonly #job: string;
  readonly #rules: InsightRules;
  readonly #windows: LoginWindows;
  readonly #alerts: LoginAlerts;
  /** Newest report of every partition; undefined before the first. */
  readonly #reports = new Map<number, PartitionReport | undefined>();
  /** Which slice told it, since this stage began. */
  readonly #tellers = new Map<number, string>();
  /** Partitions whose report is newer than the state, or than what was told. */
  readonly #unsaved = new Set<number>();
  readonly #untold = new Set<number>();
  #logins = 0;
  #afterClose = 0;
  #isDirty = false;
  #toldState = '';

  /** `partitions`: all that are read, by any slice, so that none is overlooked before its slice first reports. */
  constructor(job: string, partitions: readonly number[], rules: InsightRules) {
    this.#job = job;
    this.#rules = rules;
    this.#windows = new LoginWindows(rules.windowMs);
    this.#alerts = new LoginAlerts(rules.alerts);
    for (const partition of partitions) this.#reports.set(partition, undefined);
  }

  get counts(): MergeCounts {
    return {
      logins: this.#logins,
      users: this.#alerts.users,
      devices: this.#alerts.devices,
      openWindows: this.#windows.size,
      overflowUsers: this.#alerts.overflowUsers,
      overflowDevices: this.#alerts.overflowDevices,
      overflowValues: this.#windows.overflow,
      afterClose: this.#afterClose,
      lateForAlerts: this.#alerts.late,
    };
  }

  /** Takes in one record of a slice. @throws PipelineError `IDENTITY_BROKEN`, `BAD_STATE`. */
  apply(slice: string, { key, value }: StateRecord): void {
    if (value === null) return;
    if (key === FACTS_KEY) {
      for (const fact of decodeFacts(value)) {
        this.#logins += 1;
        if (!this.#windows.count(fact)) this.#afterClose += 1;
        this.#alerts.count(fact);
      }
    } else if (key.startsWith(PARTITION_PREFIX)) {
      const report = decodeReport(value);
      const { partition } = report.tally;
      requireIdentity(this.#job, report.tally);
      this.#reports.set(partition, report);
      this.#tellers.set(partition, slice);
      this.#unsaved.add(partition);
      this.#untold.add(partition);
    }
    this.#isDirty = true;
  }

  /**
   * What is due: finals and new alerts at once; with `withChanges` also provisional and revised results, identity, state.
   * `behind`: slices that have told more than was read of them; an idle partition of theirs may be idle no more.
   */
  results(nowMs: number, withChanges: boolean, behind: ReadonlySet<string> = new Set()): LoginInsight[] {
    const clocks = [...this.#reports].map(([id, report]) => {
      const clock = report && { timeS: report.timeS ?? undefined, reading: report.reading };
      return believedClock(clock, this.#tellers.get(id), behind);
    });
    const timeMs = 1_000 * (mergedTimeS(clocks) ?? Number.NEGATIVE_INFINITY);
    const { latenessMs } = this.#rules;
    const windows = this.#windows.results(nowMs, timeMs - ORDER_MS, timeMs - latenessMs, withChanges);
    const alertsClosedMs = timeMs - Math.min(latenessMs, ALERT_LATENESS_MS);
    const alerts = this.#alerts.results(nowMs, alertsClosedMs);
    if (windows.length + alerts.length > 0) this.#isDirty = true;
    return [...windows, ...alerts, ...(withChanges ? this.#changes(nowMs) : [])];
  }

  /** Once all slices have ended. @throws PipelineError `IDENTITY_BROKEN` when not every clean login has come, once. */
  requireComplete(): void {
    const clean = [...this.#reports.values()].reduce((sum, report) => sum + (report?.tally.clean ?? 0), 0);
    if (clean === this.#logins) return;
    const message = `merging logins as ${this.#job}: ${clean} are clean, ${this.#logins} have come`;
    throw new PipelineError('IDENTITY_BROKEN', message);
  }

  /** What changed since the last snapshot; take it after `results`, in the transaction that writes these. */
  snapshot(): StateRecord[] {
    const records = [...this.#windows.snapshot(), ...this.#alerts.snapshot()];
    for (const partition of this.#unsaved) {
      records.push(jsonRecord(`${REPORT_PREFIX}${partition}`, this.#reports.get(partition)!));
    }
    this.#unsaved.clear();
    if (this.#isDirty) records.push(jsonRecord(MERGE_KEY, this.#stored()));
    this.#isDirty = false;
    return records;
  }

  /** Takes up the state that the newest record of each key holds. @throws PipelineError `BAD_STATE`, `BAD_SKETCH`. */
  restore(records: readonly StateRecord[]): void {
    for (const record of records) {
      const { key, value } = record;
      if (value === null || this.#windows.restore(record)) continue;
      if (key.startsWith(REPORT_PREFIX)) {
        const report = readJson<PartitionReport>(value);
        this.#reports.set(report.tally.partition, report);
        this.#untold.add(report.tally.partition);
      } else if (key === MERGE_KEY) this.#take(readJson<StoredMerge>(value));
    }
    this.#alerts.restore(records);
  }

  #changes(nowMs: number): LoginInsight[] {
    const emittedAt = new Date(nowMs).toISOString();
    const identities = [...this.#untold]
      .sort((a, b) => a - b)
      .map((partition): LoginIdentity => {
        return { kind: 'identity', ...this.#reports.get(partition)!.tally, emittedAt };
      });
    this.#untold.clear();
    const { counts } = this;
    const state = JSON.stringify(counts);
    if (state === this.#toldState) return identities;
    this.#toldState = state;
    return [...identities, { kind: 'state', counts, emittedAt }];
  }

  #stored(): StoredMerge {
    const { overflowUsers, overflowDevices, overflowValues, lateForAlerts } = this.counts;
    return {
      // Infinity, before the first time and after the last, is not a time to keep.
      closedMs: finite(this.#windows.closedMs),
      alertsClosedMs: finite(this.#alerts.closedMs),
      logins: this.#logins,
      overflowUsers,
      overflowDevices,
      overflowValues,
      afterClose: this.#afterClose,
      lateForAlerts,
    };
  }

  #take(stored: StoredMerge): void {
    this.#windows.closedMs = stored.closedMs ?? Number.NEGATIVE_INFINITY;
    this.#alerts.closedMs = stored.alertsClosedMs ?? Number.NEGATIVE_INFINITY;
    this.#logins = stored.logins;
    this.#alerts.overflowUsers = stored.overflowUsers;
    this.#alerts.overflowDevices = stored.overflowDevices;
    this.#windows.overflow = stored.overflowValues;
    this.#afterClose = stored.afterClose;
    this.#alerts.late = stored.lateForAlerts;
  }
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
