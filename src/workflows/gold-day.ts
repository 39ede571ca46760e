import {
  CancellationScope,
  CancelledFailure,
  isCancellation,
  log,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { parseDay, type Day } from '../core/day.js';
import { PipelineError } from '../core/errors.js';
import { admitDay, isOver } from '../core/gold.js';
import type { DayPass } from '../core/gold-requests.js';
import type { Barrier, GoldDayInput, GoldDayResult } from '../messages.js';
import { passBarrier } from './barrier.js';
import { nowMs } from './clock.js';
import { goldProgress, goldRequest } from './definitions.js';
import { failed, faultOf, type Fault } from './failure.js';
import { currentTask, GoldDayRun } from './gold-day-run.js';
import { askPositions, failures, gold } from './options.js';

/**
 * Computes gold of one UTC day; its id is `gold-day/<day>`, so that there is one at a time. Silver is complete first; then
 * a day that is neither stale nor forced answers with its recorded run; else it is computed and replaced atomically. Who
 * joins too late to be answered by that is answered after another pass: all get the same result, and none an older one
 * than he asked for.
 * @throws ApplicationFailure with the fault's code as its type; the failed run is recorded, a refused one is not.
 */
export async function goldDay(input: GoldDayInput): Promise<GoldDayResult> {
  const run = new GoldDayRun(input);
  setHandler(goldRequest, (request) => run.join(request));
  setHandler(goldProgress, () => run.progress());
  admit(input.day, run.forced);
  try {
    let result = await pass(run, undefined);
    while (run.isAskedFor) result = await pass(run, result);
    return result;
  } catch (error) {
    // An attempt whose worker died after the cancellation is reported as timed out.
    const isCancelled = isCancellation(error) || CancellationScope.current().consideredCancelled;
    const fault = isCancelled ? { code: 'CANCELLED', message: 'cancelled' } : faultOf(error);
    await CancellationScope.nonCancellable(() => record(run, fault));
    throw isCancelled ? new CancelledFailure(`computing gold of ${run.day}: cancelled`) : failed(fault);
  }
}

/** Silver complete for those who wait, then the day computed for them. */
async function pass(run: GoldDayRun, former: GoldDayResult | undefined): Promise<GoldDayResult> {
  run.beginPass();
  // Before the gate: what is committed of a day then is all of it, or not.
  const wasOver = isOver(run.day, nowMs());
  const brought = run.broughtBarrier;
  const gateIn = brought === undefined ? currentTask() : null;
  const barrier = brought ?? (await silverComplete(run));
  const asked = { gateIn, barrier, forced: run.forced, computedIn: currentTask() };
  const result = await computed(run, asked, wasOver, former);
  run.endPass(asked);
  return result;
}

/** @throws ApplicationFailure when the day may not be computed. */
function admit(day: Day, force: boolean): void {
  try {
    const admission = admitDay(parseDay(day), nowMs(), force);
    if (admission.kind === 'refused') throw new PipelineError(admission.code, admission.message);
  } catch (error) {
    throw failed(faultOf(error));
  }
}

/** The recorded run where it stands and is not forced, else a new one. */
function computed(
  run: GoldDayRun,
  { forced, barrier }: DayPass,
  wasOver: boolean,
  former: GoldDayResult | undefined,
): Promise<GoldDayResult> {
  run.at(forced ? 'computing (forced)' : 'computing, unless its record stands');
  return gold.computeGold({
    day: run.day,
    requestedBy: run.requestedBy(),
    forced,
    isFinal: wasOver && barrier.complete,
    positions: barrier.positions,
    // Attempts are counted over all passes of a run: each has a record and a staging table of its own.
    ...(former?.runId === workflowInfo().runId && { attemptsBefore: former.attempt }),
  });
}

/** The gate. When forced it is given up in time, and the run is marked as not final. */
async function silverComplete(run: GoldDayRun): Promise<Barrier> {
  try {
    return await passBarrier({
      nowMs,
      deadlineMs: () => run.gateDeadlineMs(),
      onWait: (waitingFor) => run.at(`waiting for ${waitingFor}`),
      advice: '--force computes without',
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

async function record(run: GoldDayRun, { code }: Fault): Promise<void> {
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
