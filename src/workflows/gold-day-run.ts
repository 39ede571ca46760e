import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { Day } from '../core/day.js';
import { broughtBarrier, unanswered, type DayPass, type HeardRequest } from '../core/gold-requests.js';
import type { Barrier, GoldDayInput, GoldDayProgress, GoldDayRequest } from '../messages.js';
import { nowMs } from './clock.js';

/** How long silver may take to be complete, ms: minutes of lag are normal after an outage, more wants a human. */
const GATE_TIMEOUT_MS = 10 * 60_000;
/** The same when forced: long enough for a pipeline that works, short for who knows that it does not. */
const FORCED_GATE_TIMEOUT_MS = 30_000;

/** What callers asked for and were not answered yet, and where the run is. */
export class GoldDayRun {
  readonly day: Day;
  readonly startedAtMs = nowMs();
  readonly #requesters = new Set<string>();
  readonly #gateTimeoutMs: number | undefined;
  #waiting: HeardRequest[] = [];
  #passBeganAtMs = nowMs();
  /** When it was first known in this pass that somebody forces it. */
  #forcedAtMs: number | null = null;
  #step = 'beginning';

  constructor(input: GoldDayInput) {
    this.day = input.day;
    this.#gateTimeoutMs = input.gateTimeoutMs;
    this.join(input);
  }

  join({ force = false, requestedBy, barrier }: GoldDayRequest): void {
    this.#waiting.push({ force, barrier, heardIn: currentTask() });
    if (force) this.#forcedAtMs ??= nowMs();
    if (requestedBy !== undefined) this.#requesters.add(requestedBy);
  }

  get forced(): boolean {
    return this.#waiting.some(({ force }) => force);
  }

  get isAskedFor(): boolean {
    return this.#waiting.length > 0;
  }

  get broughtBarrier(): Barrier | undefined {
    return broughtBarrier(this.#waiting);
  }

  beginPass(): void {
    this.#passBeganAtMs = nowMs();
    this.#forcedAtMs = this.forced ? this.#passBeganAtMs : null;
  }

  /** Who is answered by a pass waits no more; who joined meanwhile may. */
  endPass(pass: DayPass): void {
    this.#waiting = this.#waiting
      .map((request) => unanswered(request, pass))
      .filter((request) => request !== null);
  }

  requestedBy(): string {
    return [...this.#requesters].join(', ') || workflowInfo().workflowId;
  }

  gateDeadlineMs(): number {
    const unforced = this.#passBeganAtMs + (this.#gateTimeoutMs ?? GATE_TIMEOUT_MS);
    if (this.#forcedAtMs === null || this.#gateTimeoutMs !== undefined) return unforced;
    return Math.min(unforced, this.#forcedAtMs + FORCED_GATE_TIMEOUT_MS);
  }

  at(step: string): void {
    this.#step = step;
    setCurrentDetails(`${this.day}: ${step}`);
  }

  progress(): GoldDayProgress {
    return { day: this.day, step: this.#step, forced: this.forced, requestedBy: [...this.#requesters] };
  }
}

/** The workflow task under way. By the history and not by the clock: two tasks may begin within one millisecond. */
export const currentTask = (): number => workflowInfo().historyLength;
