import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { CountActivities, CountSliceActivities } from '../activities/count.js';
import { STREAM_QUEUE } from '../core/ids.js';

/** Planning, freezing and recording a count: a few requests to Kafka. */
export const countSteps = proxyActivities<
  Pick<CountActivities, 'planCount' | 'freezePartials' | 'recordCount'>
>({
  startToCloseTimeout: '60s',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '250ms', maximumInterval: '5s' },
});

/**
 * A lap: ten minutes at most, heartbeats every second, and 5 s without one mean that its worker is gone; overtaking one that
 * lives is safe, as it is fenced. Kafka may be down for long and come back, so it is tried for ever. A cancelled lap ends at
 * its next commit and says how far it got.
 */
const LAP = {
  startToCloseTimeout: '12m',
  heartbeatTimeout: '5s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '100ms', maximumInterval: '5s' },
} as const;

export const countLaps = proxyActivities<CountSliceActivities>({ ...LAP, taskQueue: STREAM_QUEUE });
/** On the control workers: it must go on while every stream worker is busy counting. */
export const mergeLaps = proxyActivities<Pick<CountActivities, 'mergeCount'>>(LAP);
