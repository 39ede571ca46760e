import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ReplayActivities } from '../activities/replay.js';
import type { StreamActivities } from '../activities/stream.js';
import { STREAM_QUEUE } from '../core/ids.js';

/** Plans and results: a few requests to Kafka. What cannot be done now is tried for ten minutes, as long as an outage may last. */
export const replayRecords = proxyActivities<ReplayActivities>({
  startToCloseTimeout: '60s',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '250ms', maximumInterval: '5s' },
});

/**
 * Laps of a slice and the reading of a verification. An attempt heartbeats twice a second, so 4 s without one mean that its
 * worker is gone; overtaking one that lives is safe, as it is fenced. They wait in the queue while other slices hold all
 * workers, and are tried again for a day: brokers come back, and a replay keeps its place. A lap that has met many faults must
 * still go on within ten seconds of the next: heartbeat timeout and longest pause together stay well below.
 */
export const streamWork = proxyActivities<StreamActivities>({
  taskQueue: STREAM_QUEUE,
  startToCloseTimeout: '12m',
  heartbeatTimeout: '4s',
  scheduleToCloseTimeout: '1d',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '100ms', maximumInterval: '1s' },
});

/** As above, for one reading of A and B without laps. */
export const verification = proxyActivities<Pick<StreamActivities, 'verifyReplay'>>({
  taskQueue: STREAM_QUEUE,
  startToCloseTimeout: '12h',
  heartbeatTimeout: '5s',
  scheduleToCloseTimeout: '1d',
  retry: { initialInterval: '100ms', maximumInterval: '5s' },
});
