import { setTimeout as pause } from 'node:timers/promises';
import type { ScheduleDescription, ScheduleHandle } from '@temporalio/client';

/** Of `temporal.api.enums.v1.WorkflowExecutionStatus`. */
const RUNNING = 1;

/**
 * Temporal takes some 50 ms to look. Of some runs it never records how they ended, and those are waited for in vain: what
 * somebody started with ALLOW_ALL, and the second of two that began within one second, which have one id.
 */
const LONGEST_MS = 1_000;
const EVERY_MS = 25;

/**
 * A schedule after Temporal has looked at what became of its last run. It does so when the next one is due, and after
 * somebody has described the schedule: who asks once is told of no failure that is news, who updates the schedule
 * before can make Temporal forget it, and who resumes it before finds it paused again.
 */
export async function settledSchedule(handle: ScheduleHandle): Promise<ScheduleDescription> {
  const endMs = performance.now() + LONGEST_MS;
  for (;;) {
    const described = await handle.describe();
    if (!hasUnseenEnd(described) || performance.now() >= endMs) return described;
    await pause(EVERY_MS);
  }
}

/** A run that is not running, as describing has just found, and is recorded as if it were. */
function hasUnseenEnd({ raw: { info } }: ScheduleDescription): boolean {
  const running = new Set(info?.runningWorkflows?.map(({ runId }) => runId));
  return (info?.recentActions ?? []).some(
    ({ startWorkflowResult, startWorkflowStatus }) =>
      Number(startWorkflowStatus) === RUNNING && !running.has(startWorkflowResult?.runId),
  );
}
