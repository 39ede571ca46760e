import { ApplicationFailure, CancellationScope, log, workflowInfo } from '@temporalio/workflow';
import { barrierEventId } from '../core/ids.js';
import type { Barrier, EventMark, Lap } from '../messages.js';
import { faultOf } from './failure.js';
import { askPositions, LAP_MS, waitInLaps } from './options.js';

/** What a barrier needs of the workflow that passes it. */
export interface BarrierWait {
  /** Epoch ms after which it gives up; asked anew before every lap. */
  readonly deadlineMs: () => number;
  readonly nowMs: () => number;
  /** Told every time what is waited for, as one line. */
  readonly onWait: (waitingFor: string) => void;
  /** What whoever does not want to wait can do. */
  readonly advice?: string;
}

/**
 * Passes once silver holds all that both sources had committed when it was called: the sources' positions marked,
 * connectors past them, then the topics' ends frozen, then ClickHouse past those.
 * @throws ApplicationFailure `GATE_TIMEOUT` naming what was waited for.
 */
export async function passBarrier(wait: BarrierWait): Promise<Barrier> {
  const { runId, historyLength } = workflowInfo();
  const mark = { id: barrierEventId(`${runId}/${historyLength}`) };
  try {
    return await passMarked(wait, mark);
  } finally {
    await CancellationScope.nonCancellable(() => removeMark(mark));
  }
}

async function passMarked(wait: BarrierWait, mark: EventMark): Promise<Barrier> {
  // A minimum, so that a deadline just reached still gives every question one try.
  const patienceMs = (): number => Math.max(wait.deadlineMs() - wait.nowMs(), 5_000);
  wait.onWait('the positions of the sources');
  const ask = askPositions(patienceMs());
  const [lsn] = await Promise.all([ask.readPostgresPosition(), ask.markEvents(mark)]);
  const laps = waitInLaps(patienceMs());
  await Promise.all([
    inLaps(wait, (waitMs) => laps.awaitUsersProduced({ lsn, waitMs })),
    inLaps(wait, (waitMs) => laps.awaitMark({ ...mark, waitMs })),
  ]);
  const ends = await askPositions(patienceMs()).freezeEnds();
  const positions = await inLaps(wait, (waitMs) => laps.awaitConsumed({ ends, waitMs }));
  return { complete: true, positions };
}

/** A mark left behind is seen nowhere: no reason to fail. */
async function removeMark(mark: EventMark): Promise<void> {
  try {
    await askPositions(10_000).removeMark(mark);
  } catch (error) {
    log.warn('a mark is left among the events', { ...faultOf(error), ...mark });
  }
}

async function inLaps<T>(wait: BarrierWait, lap: (waitMs: number) => Promise<Lap<T>>): Promise<T> {
  for (;;) {
    const leftMs = wait.deadlineMs() - wait.nowMs();
    const answer = await lap(Math.min(LAP_MS, Math.max(leftMs, 0)));
    if (answer.passed) return answer.value;
    wait.onWait(answer.waitingFor);
    if (wait.nowMs() >= wait.deadlineMs()) {
      const advice = wait.advice === undefined ? '' : `; ${wait.advice}`;
      throw ApplicationFailure.nonRetryable(
        `waiting for silver to be complete: gave up waiting for ${answer.waitingFor}${advice}`,
        'GATE_TIMEOUT',
      );
    }
  }
}
