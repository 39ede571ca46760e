import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ProbeActivities } from '../activities/probe.js';
import type { VerifyActivities } from '../activities/verify.js';

/** Timeouts and retries of a verification. A check is made again by the workflow, which counts; Temporal's own tries are for workers that die. */

export const verificationPlans = proxyActivities<Pick<VerifyActivities, 'planVerification'>>({
  startToCloseTimeout: '10s',
  scheduleToCloseTimeout: '1m',
  retry: { initialInterval: '500ms', maximumInterval: '5s' },
});

/**
 * One attempt at a check, of at most `timeoutMs`. It heartbeats every second; one that lost its worker is made again while
 * there is time. A cancelled one is waited for: the canary cleans up after itself.
 */
export const checks = (timeoutMs: number): Pick<VerifyActivities, 'runCheck'> =>
  proxyActivities<Pick<VerifyActivities, 'runCheck'>>({
    startToCloseTimeout: timeoutMs,
    heartbeatTimeout: '10s',
    scheduleToCloseTimeout: timeoutMs + 30_000,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '500ms', maximumAttempts: 3 },
  });

/** Two small deletes, made after a canary whose check did not end by itself. */
export const canaryRemoval = proxyActivities<Pick<VerifyActivities, 'removeLeftCanary'>>({
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '1m',
  retry: { initialInterval: '500ms', maximumAttempts: 5 },
});

/**
 * Whether a worker of a task queue answers. One that is there takes milliseconds; a poll that a dead or frozen worker has
 * left open swallows the question, so it is asked more than once.
 */
export const probe = (taskQueue: string): ProbeActivities =>
  proxyActivities<ProbeActivities>({
    taskQueue,
    startToCloseTimeout: '3s',
    scheduleToStartTimeout: '5s',
    scheduleToCloseTimeout: '8s',
    retry: { initialInterval: '100ms', backoffCoefficient: 1, maximumAttempts: 3 },
  });

/** Best effort: ClickHouse may be what is broken, and the verdict stands without its record. */
export const verificationRecords = proxyActivities<Pick<VerifyActivities, 'recordVerification'>>({
  startToCloseTimeout: '12s',
  scheduleToCloseTimeout: '15s',
  retry: { initialInterval: '500ms', maximumAttempts: 3 },
});
