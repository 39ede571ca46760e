import type { JobPlan, JobProgress, JobReport, JobResult, JobStatus } from '../messages.js';
import { endedBadly, furthest, recordsPerSecond } from './lap-reports.js';

export interface JobStatusParts<Plan extends JobPlan> {
  readonly job: string;
  readonly progress: JobProgress<Plan> | null;
  /** Temporal's name of the workflow's status. */
  readonly workflow: string;
  /** Of a workflow that has completed. */
  readonly outcome: JobResult['outcome'] | null;
  /** Heartbeats of laps under way. */
  readonly live: readonly JobReport[];
  readonly fault: string | null;
}

/** Ended laps and heartbeats as one; `countsOf` makes the job's counts of those of its parts. */
export function jobStatus<Plan extends JobPlan>(
  parts: JobStatusParts<Plan>,
  countsOf: (reports: readonly JobReport[]) => JobStatus<Plan>['counts'],
): JobStatus<Plan> {
  const { job, progress, live, fault } = parts;
  const plan = progress?.plan ?? null;
  const reports = inOrder(furthest([...(progress?.reports ?? []), ...live], ({ part }) => part));
  const [done, total] = plan === null ? [0, null] : offsetsOf(plan, reports);
  const perSecond = parts.workflow === 'RUNNING' ? recordsPerSecond(live.filter(isSlice)) : null;
  return {
    job,
    state: stateOf(parts),
    plan,
    reports,
    done: String(done),
    total: total === null ? null : String(total),
    counts: countsOf(reports),
    recordsPerSecond: perSecond,
    etaMs: total === null || perSecond === null ? null : Math.round((1_000 * (total - done)) / perSecond),
    fault,
  };
}

function stateOf<Plan extends JobPlan>({
  workflow,
  progress,
  outcome,
}: JobStatusParts<Plan>): JobStatus<Plan>['state'] {
  switch (workflow) {
    case 'RUNNING':
      return progress?.state ?? 'counting';
    case 'COMPLETED':
      return outcome ?? 'finished';
    default:
      return endedBadly(workflow);
  }
}

/** Slices first, in their order. */
const inOrder = (reports: readonly JobReport[]): JobReport[] =>
  [...reports].sort((a, b) => String(a.part).localeCompare(String(b.part), 'en', { numeric: true }));

export const isSlice = ({ part }: JobReport): boolean => part !== 'merge';

/** Offsets passed and, when every range has an end, offsets in all. */
function offsetsOf(plan: JobPlan, reports: readonly JobReport[]): [done: number, total: number | null] {
  const next = new Map(reports.filter(isSlice).flatMap((report) => Object.entries(report.next)));
  let done = 0;
  let total: number | null = 0;
  for (const { partition, startOffset, endOffset } of plan.slices.flatMap(({ ranges }) => ranges)) {
    done += Number(next.get(String(partition)) ?? startOffset) - Number(startOffset);
    total = total === null || endOffset === null ? null : total + Number(endOffset) - Number(startOffset);
  }
  return [done, total];
}
