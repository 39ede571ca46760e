/**
 * Everything that crosses a boundary between client, workflow and activity: plain JSON. Offsets, LSNs and counts are
 * decimal strings, instants are epoch milliseconds, days are `YYYY-MM-DD` (UTC).
 */
import type { ConnectorOffset, KafkaPositions } from './core/barrier.js';
import type { Day } from './core/day.js';

export type * from './messages/clean.js';
export type * from './messages/count.js';
export type * from './messages/dead-letters.js';
export type * from './messages/gold-backfill.js';
export type * from './messages/replay.js';
export type * from './messages/stream-job.js';
export type * from './messages/verify.js';

// ---- positions ----

export type { ConnectorOffset, KafkaPositions };

// ---- completeness barrier ----

/** One bounded wait: what it came to, or what it still waits for, as one line. */
export type Lap<T> =
  { readonly passed: true; readonly value: T } | { readonly passed: false; readonly waitingFor: string };

export interface AwaitUsersProducedInput {
  /** Decimal LSN: every transaction acknowledged before it was read committed below it. */
  readonly lsn: string;
  /** How long this lap may wait, ms. */
  readonly waitMs: number;
}

/** An event of our own in the source of events: all that was written before it arrives before it. */
export interface EventMark {
  readonly id: string;
}

export interface AwaitMarkInput extends EventMark {
  readonly waitMs: number;
}

export interface AwaitConsumedInput {
  /** Frozen ends of the CDC topics. */
  readonly ends: KafkaPositions;
  readonly waitMs: number;
}

/** `positions`: silver holds every message below them. `complete` is false when the wait was given up (forced). */
export interface Barrier {
  readonly complete: boolean;
  readonly positions: KafkaPositions;
}

// ---- gold ----

export interface GoldDayInput {
  readonly day: Day;
  /** Computes although the day is not over, silver is not complete for it, or its recorded result stands. */
  readonly force?: boolean;
  /** Who asked, for the record. */
  readonly requestedBy?: string;
  /** How long to wait for silver to be complete, ms; default 10 minutes, 30 seconds when forced. */
  readonly gateTimeoutMs?: number;
  /** A barrier passed already, for this day and others: the day does not wait for one of its own. */
  readonly barrier?: Barrier;
}

/** What a later caller adds to a day that is running already (update `request`). */
export interface GoldDayRequest {
  readonly force?: boolean;
  readonly requestedBy?: string;
  /** A barrier that he passed: what is computed for him must have been read after it. */
  readonly barrier?: Barrier;
}

/** One computation of a day, as recorded in ops_gold_runs. */
export interface GoldRun {
  readonly day: Day;
  /** Run id of the Temporal workflow and attempt of its activities, counted over all of them. */
  readonly runId: string;
  readonly attempt: number;
  readonly status: 'running' | 'abandoned' | 'failed' | 'complete';
  readonly requestedBy: string;
  readonly codeVersion: string;
  readonly forced: boolean;
  /** The day was over and silver complete for it; false only when forced. */
  readonly isFinal: boolean;
  readonly rowsRead: string;
  /** Rows of gold: users with events on that day. */
  readonly rowsWritten: string;
  readonly events: string;
  /** User ids that silver_users does not hold, and events of those or without a user id: counted, not in gold. */
  readonly unknownUsers: string;
  readonly unknownEvents: string;
  readonly positions: KafkaPositions;
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly durationMs: number;
  /** Empty unless failed. */
  readonly errorCode: string;
}

export interface GoldDayResult extends GoldRun {
  /** True when the day was fresh and not forced: this is the record of an earlier run. */
  readonly reused: boolean;
}

export interface ComputeGoldInput {
  readonly day: Day;
  readonly requestedBy: string;
  readonly forced: boolean;
  readonly isFinal: boolean;
  readonly positions: KafkaPositions;
  /** Attempts of this run that computed the day before for others; default 0. */
  readonly attemptsBefore?: number;
}

export interface RecordFailureInput {
  readonly day: Day;
  readonly startedAtMs: number;
  readonly requestedBy: string;
  readonly forced: boolean;
  readonly errorCode: string;
}

/** Answer of the query `progress`: the step a day is at, as one line. */
export interface GoldDayProgress {
  readonly day: Day;
  readonly step: string;
  readonly forced: boolean;
  readonly requestedBy: readonly string[];
}

/** A row of gold_user_activity. */
export interface GoldRow {
  readonly user_id: string;
  readonly full_name: string;
  readonly email: string;
  readonly user_is_deleted: number;
  readonly total_events: string;
  readonly first_event_at: string;
  readonly last_event_at: string;
  readonly events_by_type: Readonly<Record<string, string>>;
}

/** A day as it stands: the last attempt at it, the run that made what gold holds, and the busiest users. */
export interface GoldDayView {
  readonly day: Day;
  readonly lastAttempt: GoldRun | null;
  readonly run: GoldRun | null;
  readonly users: string;
  readonly events: string;
  readonly rows: readonly GoldRow[];
}
