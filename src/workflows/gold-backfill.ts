import {
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { addDays, parseDay, previousDay, type Day } from '../core/day.js';
import { pastDays, type PlannedDay } from '../core/gold-days.js';
import type {
  Barrier,
  DayRange,
  GoldBackfillInput,
  GoldBackfillProgress,
  GoldBackfillResult,
} from '../messages.js';
import { BackfillState } from './backfill-state.js';
import { passBarrier } from './barrier.js';
import { nowMs } from './clock.js';
import { backfillPause, backfillProgress, backfillResume } from './definitions.js';
import { failed, faultOf } from './failure.js';
import { goldDays, plans } from './options.js';

const GATE_TIMEOUT_MS = 10 * 60_000;
/** Days of one run, each some ten events of history: far below Temporal's limits. */
const DAYS_PER_RUN = 500;

/**
 * Computes those days of a range that its selection names, newest first, a few at once. One barrier serves them all. A
 * day that fails stops no other; it is in the result, and the backfill fails at its end (`DAYS_FAILED`).
 * @throws ApplicationFailure `BAD_RANGE`, `BAD_DAY`, `GATE_TIMEOUT`, `DAYS_FAILED` (its first detail: GoldBackfillResult).
 */
export async function goldBackfill(input: GoldBackfillInput): Promise<GoldBackfillResult> {
  const { from, to } = input.rest ?? datesOf(input.range);
  const { parallelism } = input;
  const backfill = new BackfillState(
    { from, to, parallelism },
    { nowMs, show: setCurrentDetails },
    input.rest,
  );
  const doing = `backfilling ${from} to ${to}`;
  setHandler(backfillPause, () => backfill.pause());
  setHandler(backfillResume, () => backfill.resume());
  setHandler(backfillProgress, (): GoldBackfillProgress => backfill.progress());
  const { barrier, days } = input.rest ?? (await prepared(input, backfill));
  const rest = await compute(backfill, days, barrier, input.requestedBy);
  if (rest.length > 0) {
    // While the last days of a run are finished, nothing else would hear of a cancellation.
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure(`${doing}: cancelled`);
    await continueAsNew<typeof goldBackfill>({ ...input, rest: backfill.rest(barrier, rest) });
  }
  const result = backfill.result();
  if (result.failedDays > 0) {
    const [first] = result.failed;
    const message = `${doing}: ${result.failedDays} of ${result.planned} days failed, the first ${first?.day} (${first?.message})`;
    throw failed({ code: 'DAYS_FAILED', message }, [result]);
  }
  return result;
}

/** A range by its dates. @throws ApplicationFailure `BAD_RANGE`, before anything has begun. */
function datesOf(range: DayRange): { from: Day; to: Day } {
  try {
    const last = previousDay(nowMs());
    const dates = 'lastDays' in range ? { from: addDays(last, 1 - range.lastDays), to: last } : range;
    pastDays(`backfilling ${dates.from} to ${dates.to}`, parseDay(dates.from), parseDay(dates.to), nowMs());
    return { from: dates.from, to: dates.to };
  } catch (error) {
    throw failed(faultOf(error));
  }
}

/** Silver complete for all days, then which of them have to be computed. */
async function prepared(
  { selection, gateTimeoutMs = GATE_TIMEOUT_MS }: GoldBackfillInput,
  backfill: BackfillState,
): Promise<{ barrier: Barrier; days: readonly PlannedDay[] }> {
  const { from, to } = backfill;
  const deadlineMs = nowMs() + gateTimeoutMs;
  const barrier = await passBarrier({
    nowMs,
    deadlineMs: () => deadlineMs,
    onWait: (waitingFor) => backfill.at('waiting for silver', waitingFor),
  });
  backfill.at('planning', `${from} to ${to}`);
  const days = await plans.planGoldBackfill({ from, to, selection });
  backfill.planned(days.length);
  return { barrier, days };
}

/**
 * Computes days in their order until all are done, or the history is long enough for one run. Pause and cancellation
 * start no further day; those under way are finished, as they are whole or not at all.
 * @returns the days that are left.
 */
async function compute(
  backfill: BackfillState,
  days: readonly PlannedDay[],
  barrier: Barrier,
  requestedBy: string,
): Promise<readonly PlannedDay[]> {
  const running = new Set<Promise<void>>();
  let next = 0;
  try {
    while (next < days.length && next < DAYS_PER_RUN && !workflowInfo().continueAsNewSuggested) {
      await condition(() => !backfill.isPaused && running.size < backfill.parallelism);
      const planned = days[next++]!;
      const one = CancellationScope.nonCancellable(() => computeDay(backfill, planned, barrier, requestedBy));
      running.add(one);
      void one.finally(() => running.delete(one));
    }
  } finally {
    await CancellationScope.nonCancellable(() => Promise.all(running));
  }
  return days.slice(next);
}

async function computeDay(
  backfill: BackfillState,
  { day, force }: PlannedDay,
  barrier: Barrier,
  requestedBy: string,
): Promise<void> {
  backfill.begin(day);
  try {
    const { reused } = await goldDays.runGoldDay({ day, force, requestedBy, barrier });
    backfill.done(day, reused);
  } catch (error) {
    backfill.fail(day, faultOf(error));
  }
}
