import { ActivityCancellationType } from '@temporalio/workflow';

/** Planning, freezing and recording a job: a few requests to Kafka. */
export const JOB_STEP = {
  startToCloseTimeout: '60s',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '250ms', maximumInterval: '5s' },
} as const;

/**
 * A lap: ten minutes at most, heartbeats every second, and 5 s without one mean that its worker is gone; overtaking one that
 * lives is safe, as it is fenced. Kafka may be down for long and come back, so it is tried for ever. A cancelled lap ends at
 * its next commit and says how far it got.
 */
export const LAP = {
  startToCloseTimeout: '12m',
  heartbeatTimeout: '5s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '100ms', maximumInterval: '5s' },
} as const;
