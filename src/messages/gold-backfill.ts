import type { Day } from '../core/day.js';
import type { BackfillSelection, PlannedDay } from '../core/gold-days.js';
import type { Barrier } from '../messages.js';

/** Days by their dates, both included, or as many as that before today. */
export type DayRange = { readonly from: Day; readonly to: Day } | { readonly lastDays: number };

export interface GoldBackfillInput {
  readonly range: DayRange;
  readonly selection: BackfillSelection;
  /** Days computed at once. */
  readonly parallelism: number;
  readonly requestedBy: string;
  /** How long to wait for silver to be complete, once for all days, ms; default 10 minutes. */
  readonly gateTimeoutMs?: number;
  /** Set by a long backfill when it goes on in a new run. */
  readonly rest?: GoldBackfillRest;
}

/** What a backfill is about, without what only its runs tell each other. */
export type GoldBackfillRequest = Omit<GoldBackfillInput, 'rest'>;

export interface FailedDay {
  readonly day: Day;
  readonly code: string;
  readonly message: string;
}

/** What came of the days so far. */
export interface GoldBackfillTally {
  readonly computed: number;
  /** Fresh by the time that their turn came: another had computed them. */
  readonly reused: number;
  /** The first of them; `failedDays` counts all. */
  readonly failed: readonly FailedDay[];
  readonly failedDays: number;
}

export interface GoldBackfillRest {
  readonly from: Day;
  readonly to: Day;
  readonly barrier: Barrier;
  /** Still to do, in their order. */
  readonly days: readonly PlannedDay[];
  readonly planned: number;
  readonly tally: GoldBackfillTally;
  readonly startedAtMs: number;
  readonly paused: boolean;
}

export interface GoldBackfillResult extends GoldBackfillTally {
  readonly from: Day;
  readonly to: Day;
  /** Days that were to be computed. */
  readonly planned: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

/** Answer of the query `progress`. */
export interface GoldBackfillProgress extends GoldBackfillTally {
  readonly step: 'waiting for silver' | 'planning' | 'computing' | 'paused';
  /** What it waits for, or which days are under way; one line. */
  readonly detail: string;
  readonly planned: number;
  readonly startedAtMs: number;
  /** Epoch ms at the rate so far; null before the first day is done. */
  readonly etaMs: number | null;
}

export interface PlanBackfillInput {
  readonly from: Day;
  readonly to: Day;
  readonly selection: BackfillSelection;
}

export interface RunGoldDayInput {
  readonly day: Day;
  readonly force: boolean;
  readonly requestedBy: string;
  readonly barrier: Barrier;
}

/** What a backfill keeps of a day. */
export interface RanGoldDay {
  readonly reused: boolean;
}
