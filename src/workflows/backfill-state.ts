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

/** Where a backfill is: what has come of the days so far, and who told it to wait. */
export class BackfillState {
  readonly from: Day;
  readonly to: Day;
  readonly parallelism: number;
  readonly #startedAtMs: number;
  readonly #running = new Set<Day>();
  readonly #failed: FailedDay[];
  #failedDays: number;
  #computed: number;
  #reused: number;
  #planned: number;
  #paused: boolean;
  #step: 'waiting for silver' | 'planning' | 'computing' = 'computing';
  #detail = '';
  /** When this run computed its first day, and how many were done before: the rate is this run's. */
  #computingSinceMs: number;
  readonly #doneBefore: number;

  constructor(from: Day, to: Day, parallelism: number, nowMs: number, rest: GoldBackfillRest | undefined) {
    this.from = from;
    this.to = to;
    this.parallelism = parallelism;
    this.#startedAtMs = rest?.startedAtMs ?? nowMs;
    this.#computingSinceMs = nowMs;
    this.#failed = [...(rest?.tally.failed ?? [])];
    this.#failedDays = rest?.tally.failedDays ?? 0;
    this.#computed = rest?.tally.computed ?? 0;
    this.#reused = rest?.tally.reused ?? 0;
    this.#planned = rest?.planned ?? 0;
    this.#paused = rest?.paused ?? false;
    this.#doneBefore = this.#done;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  at(step: 'waiting for silver' | 'planning', detail: string): void {
    this.#step = step;
    this.#detail = detail;
  }

  planned(days: number, nowMs: number): void {
    this.#step = 'computing';
    this.#planned = days;
    this.#computingSinceMs = nowMs;
  }

  begin(day: Day): void {
    this.#running.add(day);
  }

  done(day: Day, reused: boolean): void {
    this.#running.delete(day);
    if (reused) this.#reused += 1;
    else this.#computed += 1;
  }

  fail(day: Day, { code, message }: Fault): void {
    this.#running.delete(day);
    this.#failedDays += 1;
    if (this.#failed.length < FAILED_KEPT) this.#failed.push({ day, code, message });
  }

  progress(nowMs: number): GoldBackfillProgress {
    const isPaused = this.#paused && this.#step === 'computing';
    return {
      ...this.#tally,
      step: isPaused ? 'paused' : this.#step,
      detail: this.#step === 'computing' ? [...this.#running].join(', ') : this.#detail,
      planned: this.#planned,
      startedAtMs: this.#startedAtMs,
      etaMs: isPaused ? null : this.#etaMs(nowMs),
    };
  }

  describe(nowMs: number): string {
    const { step, detail, etaMs } = this.progress(nowMs);
    const failed = this.#failedDays === 0 ? '' : `, ${this.#failedDays} failed`;
    const eta = etaMs === null ? '' : `, done about ${new Date(etaMs).toISOString().slice(0, 19)}Z`;
    return `${step}: ${this.#done} of ${this.#planned} days${failed}${eta} (${detail})`;
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
      paused: this.#paused,
    };
  }

  result(nowMs: number): GoldBackfillResult {
    const { from, to } = this;
    const [planned, startedAtMs] = [this.#planned, this.#startedAtMs];
    return { from, to, planned, ...this.#tally, startedAtMs, finishedAtMs: nowMs };
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

  #etaMs(nowMs: number): number | null {
    const doneHere = this.#done - this.#doneBefore;
    if (this.#step !== 'computing' || doneHere === 0) return null;
    return nowMs + ((nowMs - this.#computingSinceMs) / doneHere) * (this.#planned - this.#done);
  }
}
