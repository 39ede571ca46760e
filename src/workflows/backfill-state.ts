import type { Day } from '../core/day.js';
import type { PlannedDay } from '../core/gold-days.js';
import type {
  Barrier,
  FailedDay,
  GoldBackfillProgress,
  GoldBackfillRest,
  GoldBackfillResult,
  GoldBackfillTally,
} from '../messages.js';
import type { Fault } from './failure.js';

/** A failed day costs a line of history in every later run; a thousand of them say enough. */
const FAILED_KEPT = 1_000;
/** Characters of a failed day's message: with all the days of the longest range they fit into one message of 2 MB. */
const MESSAGE_KEPT = 500;

/** Of the workflow: its clock, and where people see how far it is. */
interface Surroundings {
  readonly nowMs: () => number;
  readonly show: (details: string) => void;
}

/** Where a backfill is: what has come of the days so far, and who told it to wait. */
export class BackfillState {
  readonly from: Day;
  readonly to: Day;
  readonly parallelism: number;
  readonly #nowMs: () => number;
  readonly #show: (details: string) => void;
  readonly #startedAtMs: number;
  readonly #running = new Set<Day>();
  readonly #failed: FailedDay[];
  #failedDays: number;
  #computed: number;
  #reused: number;
  #planned: number;
  #step: 'waiting for silver' | 'planning' | 'computing' = 'computing';
  #detail = '';
  /** When this run computed its first day, and how many were done before: the rate is this run's. */
  #computingSinceMs: number;
  readonly #doneBefore: number;
  #pausedSinceMs: number | null;
  /** Pauses that are over, since this run computes: no work was begun in them. */
  #pausedMs = 0;

  constructor(
    { from, to, parallelism }: { readonly from: Day; readonly to: Day; readonly parallelism: number },
    { nowMs, show }: Surroundings,
    rest: GoldBackfillRest | undefined,
  ) {
    this.from = from;
    this.to = to;
    this.parallelism = parallelism;
    this.#nowMs = nowMs;
    this.#show = show;
    this.#startedAtMs = rest?.startedAtMs ?? nowMs();
    this.#computingSinceMs = nowMs();
    this.#failed = [...(rest?.tally.failed ?? [])];
    this.#failedDays = rest?.tally.failedDays ?? 0;
    this.#computed = rest?.tally.computed ?? 0;
    this.#reused = rest?.tally.reused ?? 0;
    this.#planned = rest?.planned ?? 0;
    this.#pausedSinceMs = rest?.paused ? nowMs() : null;
    this.#doneBefore = this.#done;
  }

  get isPaused(): boolean {
    return this.#pausedSinceMs !== null;
  }

  pause(): void {
    this.#pausedSinceMs ??= this.#nowMs();
    this.#turn();
  }

  resume(): void {
    this.#pausedMs = this.#allPausedMs();
    this.#pausedSinceMs = null;
    this.#turn();
  }

  at(step: 'waiting for silver' | 'planning', detail: string): void {
    this.#step = step;
    this.#detail = detail;
    this.#turn();
  }

  planned(days: number): void {
    this.#step = 'computing';
    this.#planned = days;
    this.#computingSinceMs = this.#nowMs();
    this.#pausedMs = 0;
    if (this.isPaused) this.#pausedSinceMs = this.#nowMs();
    this.#turn();
  }

  begin(day: Day): void {
    this.#running.add(day);
    this.#turn();
  }

  done(day: Day, reused: boolean): void {
    this.#running.delete(day);
    if (reused) this.#reused += 1;
    else this.#computed += 1;
    this.#turn();
  }

  fail(day: Day, { code, message }: Fault): void {
    this.#running.delete(day);
    this.#failedDays += 1;
    if (this.#failed.length < FAILED_KEPT) {
      this.#failed.push({ day, code, message: message.slice(0, MESSAGE_KEPT) });
    }
    this.#turn();
  }

  progress(): GoldBackfillProgress {
    const isPaused = this.isPaused && this.#step === 'computing';
    return {
      ...this.#tally,
      step: isPaused ? 'paused' : this.#step,
      detail: this.#step === 'computing' ? [...this.#running].join(', ') : this.#detail,
      planned: this.#planned,
      startedAtMs: this.#startedAtMs,
      etaMs: isPaused ? null : this.#etaMs(),
    };
  }

  describe(): string {
    const { step, detail, etaMs } = this.progress();
    const failed = this.#failedDays === 0 ? '' : `, ${this.#failedDays} failed`;
    const eta = etaMs === null ? '' : `, done about ${new Date(etaMs).toISOString().slice(0, 19)}Z`;
    const before = this.isPaused ? ', then paused' : '';
    const days =
      this.#step === 'computing' ? `: ${this.#done} of ${this.#planned} days${failed}${eta}` : before;
    return `${step}${days}${detail === '' ? '' : ` (${detail})`}`;
  }

  rest(barrier: Barrier, days: readonly PlannedDay[]): GoldBackfillRest {
    return {
      from: this.from,
      to: this.to,
      barrier,
      days,
      planned: this.#planned,
      tally: this.#tally,
      startedAtMs: this.#startedAtMs,
      paused: this.isPaused,
    };
  }

  result(): GoldBackfillResult {
    const { from, to } = this;
    const [planned, startedAtMs] = [this.#planned, this.#startedAtMs];
    return { from, to, planned, ...this.#tally, startedAtMs, finishedAtMs: this.#nowMs() };
  }

  get #tally(): GoldBackfillTally {
    return {
      computed: this.#computed,
      reused: this.#reused,
      failed: [...this.#failed],
      failedDays: this.#failedDays,
    };
  }

  get #done(): number {
    return this.#computed + this.#reused + this.#failedDays;
  }

  #turn(): void {
    this.#show(this.describe());
  }

  #allPausedMs(): number {
    return this.#pausedMs + (this.#pausedSinceMs === null ? 0 : this.#nowMs() - this.#pausedSinceMs);
  }

  #etaMs(): number | null {
    const doneHere = this.#done - this.#doneBefore;
    if (this.#step !== 'computing' || doneHere === 0) return null;
    const workedMs = this.#nowMs() - this.#computingSinceMs - this.#allPausedMs();
    return this.#nowMs() + (workedMs / doneHere) * (this.#planned - this.#done);
  }
}
