import { ScheduleNotFoundError } from '@temporalio/client';
import { serviceFault } from '../../clients/fault.js';
import { settledSchedule } from '../../clients/settled-schedule.js';
import { GOLD_SCHEDULE_ID } from '../../core/ids.js';
import type { Finding } from '../../core/verification.js';
import { failed, passed, type Check, type CheckDeps } from './check.js';

/** Null: there is no such schedule. */
export interface ScheduleFacts {
  readonly paused: boolean;
  readonly note: string;
  readonly nextAtMs: readonly number[];
  /** Runs that were due while Temporal was away for longer than the schedule makes up for. */
  readonly missedRuns: number;
}

/** Gold has a clock: the schedule exists, is not paused, and has a next time. Where Airflow is the clock, there need be none. */
export const temporalSchedule: Check = {
  name: 'temporal-schedule',
  hop: 'temporal',
  stage: 'hops',
  run: async (deps) => judgeSchedule(await read(deps), deps.config.airflow !== undefined),
};

export function judgeSchedule(facts: ScheduleFacts | null, isAirflowTheClock: boolean): Finding {
  const evidence = {
    schedule: GOLD_SCHEDULE_ID,
    exists: facts !== null,
    clock: isAirflowTheClock ? 'airflow' : 'temporal',
    ...facts,
  };
  if (isAirflowTheClock && (facts === null || facts.paused)) {
    return passed(`gold runs by Airflow; schedule ${GOLD_SCHEDULE_ID} is not needed`, evidence);
  }
  if (facts === null) {
    const next = 'tidemark schedule apply; or --skip temporal-schedule, where gold is run by hand';
    return failed(`schedule ${GOLD_SCHEDULE_ID} does not exist`, evidence, next);
  }
  if (facts.paused) {
    const note = facts.note === '' ? '' : ` (${facts.note})`;
    return failed(`schedule ${GOLD_SCHEDULE_ID} is paused${note}`, evidence, 'tidemark schedule resume');
  }
  const [next] = facts.nextAtMs;
  if (next === undefined) {
    return failed(`schedule ${GOLD_SCHEDULE_ID} has no next time`, evidence, 'tidemark schedule apply');
  }
  return passed(`gold runs next at ${new Date(next).toISOString().slice(0, 16)}Z`, evidence);
}

async function read({ temporal }: Pick<CheckDeps, 'temporal'>): Promise<ScheduleFacts | null> {
  try {
    const handle = temporal.schedule.getHandle(GOLD_SCHEDULE_ID);
    const { state, info } = await settledSchedule(handle);
    return {
      paused: state.paused,
      note: state.note ?? '',
      nextAtMs: info.nextActionTimes.slice(0, 3).map((time) => time.getTime()),
      missedRuns: info.numActionsMissedCatchupWindow,
    };
  } catch (cause) {
    if (cause instanceof ScheduleNotFoundError) return null;
    throw serviceFault('temporal', `reading schedule ${GOLD_SCHEDULE_ID}`, cause);
  }
}
