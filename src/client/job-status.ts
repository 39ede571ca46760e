import type { JobPlan, JobProgress, JobReport, JobResult, JobStatus } from '../messages.js';

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
  const reports = newest([...(progress?.reports ?? []), ...live]);
  const [done, total] = plan === null ? [0, null] : offsetsOf(plan, reports);
  const recordsPerSecond = parts.workflow === 'RUNNING' ? rateOf(live) : null;
  return {
    job,
    state: stateOf(parts),
    plan,
    reports,
    done: String(done),
    total: total === null ? null : String(total),
    counts: countsOf(reports),
    recordsPerSecond,
    etaMs:
      total === null || recordsPerSecond === null
        ? null
        : Math.round((1_000 * (total - done)) / recordsPerSecond),
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
    case 'FAILED':
    case 'TIMED_OUT':
      return 'failed';
    case 'CANCELLED':
      return 'cancelled';
    case 'TERMINATED':
      return 'terminated';
    default:
      return 'unknown';
  }
}

/** By part the report that is furthest; slices first, in their order. */
function newest(reports: readonly JobReport[]): JobReport[] {
  const byPart = new Map<JobReport['part'], JobReport>();
  for (const report of reports) {
    const known = byPart.get(report.part);
    if (known === undefined || passed(report) >= passed(known)) byPart.set(report.part, report);
  }
  return [...byPart.values()].sort((a, b) =>
    String(a.part).localeCompare(String(b.part), 'en', { numeric: true }),
  );
}

const passed = ({ next }: JobReport): number =>
  Object.values(next).reduce((sum, offset) => sum + Number(offset), 0);

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

function rateOf(live: readonly JobReport[]): number | null {
  const perSecond = live
    .filter((report) => isSlice(report) && report.lap.elapsedMs > 0)
    .reduce((sum, { lap }) => sum + (1_000 * lap.records) / lap.elapsedMs, 0);
  return perSecond > 0 ? Math.round(perSecond) : null;
}
