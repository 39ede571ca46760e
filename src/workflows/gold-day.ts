import {
  CancellationScope,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { parseDay, type Day } from '../core/day.js';
import { PipelineError } from '../core/errors.js';
import { admitDay } from '../core/gold.js';
import type { Barrier, GoldDayInput, GoldDayProgress, GoldDayResult } from '../messages.js';
import { passBarrier } from './barrier.js';
import { nowMs } from './clock.js';
import { goldProgress, goldRequest } from './definitions.js';
import { failed, faultOf, type Fault } from './failure.js';
import { askPositions, failures, gold } from './options.js';

/** How long silver may take to be complete, ms: minutes of lag are normal after an outage, more wants a human. */
const GATE_TIMEOUT_MS = 10 * 60_000;
/** The same when forced: long enough for a pipeline that works, short for who knows that it does not. */
const FORCED_GATE_TIMEOUT_MS = 30_000;

/**
 * Computes gold of one UTC day; its id is `gold-day/<day>`, so that there is one at a time. Silver is complete first; then
 * a day that is neither stale nor forced answers with its recorded run; else it is computed and replaced atomically.
 * @throws ApplicationFailure with the fault's code as its type; the failed run is recorded, a refused one is not.
 */
export async function goldDay(input: GoldDayInput): Promise<GoldDayResult> {
  const run = new GoldDayState(input);
  setHandler(goldRequest, (request) => run.join(request));
  setHandler(goldProgress, () => run.progress());
  const isOver = admitted(input.day, run.forced);
  try {
    const barrier = input.barrier ?? (await silverComplete(run));
    let result: GoldDayResult;
    // Who forces the day while its record is being read wants it computed.
    do result = await computed(run, barrier, isOver);
    while (result.reused && run.forced);
    return result;
  } catch (error) {
    const fault = faultOf(error);
    await CancellationScope.nonCancellable(() => record(run, fault));
    throw isCancellation(error) ? error : failed(fault);
  }
}

/** Whether the day is over. @throws ApplicationFailure when it may not be computed. */
function admitted(day: Day, force: boolean): boolean {
  try {
    const admission = admitDay(parseDay(day), nowMs(), force);
    if (admission.kind === 'refused') throw new PipelineError(admission.code, admission.message);
    return admission.isOver;
  } catch (error) {
    throw failed(faultOf(error));
  }
}

/** The recorded run where it stands and is not forced, else a new one. */
function computed(run: GoldDayState, barrier: Barrier, isOver: boolean): Promise<GoldDayResult> {
  run.at(run.forced ? 'computing (forced)' : 'computing, unless its record stands');
  return gold.computeGold({
    day: run.day,
    requestedBy: run.requestedBy(),
    forced: run.forced,
    isFinal: isOver && barrier.complete,
    positions: barrier.positions,
  });
}

/** The gate. When forced it is given up in time, and the run is marked as not final. */
async function silverComplete(run: GoldDayState): Promise<Barrier> {
  try {
    return await passBarrier({
      nowMs,
      deadlineMs: () => run.gateDeadlineMs(),
      onWait: (waitingFor) => run.at(`waiting for ${waitingFor}`),
    });
  } catch (error) {
    if (!run.forced || isCancellation(error)) throw error;
    log.warn('computing although silver is not known to be complete', { ...faultOf(error) });
  }
  return { complete: false, positions: await positionsIfKnown() };
}

/** Without positions every later row makes the day stale, as it should. */
async function positionsIfKnown(): Promise<Barrier['positions']> {
  try {
    return await askPositions(5_000).readCommitted();
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('recording no positions', { ...faultOf(error) });
    return {};
  }
}

async function record(run: GoldDayState, { code }: Fault): Promise<void> {
  try {
    await failures.recordGoldFailure({
      day: run.day,
      startedAtMs: run.startedAtMs,
      requestedBy: run.requestedBy(),
      forced: run.forced,
      errorCode: code,
    });
  } catch (error) {
    log.warn('the failed run is not recorded', { ...faultOf(error) });
  }
}

/** What callers asked for, and where the run is. */
class GoldDayState {
  readonly day: Day;
  readonly startedAtMs = nowMs();
  readonly #requesters = new Set<string>();
  readonly #gateTimeoutMs: number | undefined;
  #forcedAtMs: number | null = null;
  #step = 'beginning';

  constructor(input: GoldDayInput) {
    this.day = input.day;
    this.#gateTimeoutMs = input.gateTimeoutMs;
    this.join(input);
  }

  get forced(): boolean {
    return this.#forcedAtMs !== null;
  }

  join({ force = false, requestedBy }: Pick<GoldDayInput, 'force' | 'requestedBy'>): void {
    if (force) this.#forcedAtMs ??= nowMs();
    if (requestedBy !== undefined) this.#requesters.add(requestedBy);
  }

  requestedBy(): string {
    return [...this.#requesters].join(', ') || workflowInfo().workflowId;
  }

  gateDeadlineMs(): number {
    const unforced = this.startedAtMs + (this.#gateTimeoutMs ?? GATE_TIMEOUT_MS);
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
