import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';

/** What a lap of any job says of itself: where it is in each partition, and how fast. */
export interface LapReport {
  readonly next: Readonly<Record<string, string>>;
  readonly lap: { readonly records: number; readonly elapsedMs: number };
}

/** What the laps under way have said last; `activity`: only those of this name. */
export function liveReports<Report extends LapReport>(
  { raw }: WorkflowExecutionDescription,
  activity?: string,
): Report[] {
  return (raw.pendingActivities ?? []).flatMap(({ activityType, heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    if (!payload || (activity !== undefined && activityType?.name !== activity)) return [];
    const report = defaultPayloadConverter.fromPayload<Report | null | undefined>(payload);
    return report ? [report] : [];
  });
}

/** What the last attempt of a step that is tried again met. */
export const pendingFault = ({ raw }: WorkflowExecutionDescription): string | null =>
  (raw.pendingActivities ?? []).find(({ lastFailure }) => lastFailure)?.lastFailure?.message ?? null;

/** Of each part the report that is furthest; of two as far, the later one. */
export function furthest<Report extends LapReport>(
  reports: readonly Report[],
  partOf: (report: Report) => number | string,
): Report[] {
  const byPart = new Map<number | string, Report>();
  for (const report of reports) {
    const known = byPart.get(partOf(report));
    if (known === undefined || passed(report) >= passed(known)) byPart.set(partOf(report), report);
  }
  return [...byPart.values()];
}

const passed = ({ next }: LapReport): number =>
  Object.values(next).reduce((sum, offset) => sum + Number(offset), 0);

/** Records a second of laps side by side; null while nothing is known of it. */
export function recordsPerSecond(live: readonly LapReport[]): number | null {
  const perSecond = live
    .filter(({ lap }) => lap.elapsedMs > 0)
    .reduce((sum, { lap }) => sum + (1_000 * lap.records) / lap.elapsedMs, 0);
  return perSecond > 0 ? Math.round(perSecond) : null;
}

/** How a workflow that ended without a result is called, by Temporal's name of its status. */
export function endedBadly(workflow: string | null): 'failed' | 'cancelled' | 'terminated' | 'unknown' {
  switch (workflow) {
    case 'FAILED':
    case 'TIMED_OUT':
      return 'failed';
    case 'CANCELLED':
      return 'cancelled';
    case 'TERMINATED':
      return 'terminated';
    case null:
    default:
      return 'unknown';
  }
}
