import type { CountPlan, CountProgress, CountReport, CountStatus } from '../messages.js';

export interface CountStatusParts {
  readonly job: string;
  readonly progress: CountProgress | null;
  /** Temporal's name of the workflow's status. */
  readonly workflow: string;
  /** Of a workflow that has completed. */
  readonly outcome: 'finished' | 'stopped' | null;
  /** Heartbeats of laps under way. */
  readonly live: readonly CountReport[];
  readonly fault: string | null;
}

/** Ended laps and heartbeats as one. */
export function countStatus(parts: CountStatusParts): CountStatus {
  const { job, progress, live, fault } = parts;
  const plan = progress?.plan ?? null;
  const reports = newest([...(progress?.reports ?? []), ...live]);
  const [done, total] = plan === null ? [0, null] : offsetsOf(plan, reports);
  const framesPerSecond = parts.workflow === 'RUNNING' ? rateOf(live) : null;
  return {
    job,
    state: stateOf(parts),
    plan,
    reports,
    done: String(done),
    total: total === null ? null : String(total),
    counts: countsOf(reports),
    framesPerSecond,
    etaMs:
      total === null || framesPerSecond === null
        ? null
        : Math.round((1_000 * (total - done)) / framesPerSecond),
    fault,
  };
}

function stateOf({ workflow, progress, outcome }: CountStatusParts): CountStatus['state'] {
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
function newest(reports: readonly CountReport[]): CountReport[] {
  const byPart = new Map<CountReport['part'], CountReport>();
  for (const report of reports) {
    const known = byPart.get(report.part);
    if (known === undefined || passed(report) >= passed(known)) byPart.set(report.part, report);
  }
  return [...byPart.values()].sort((a, b) =>
    String(a.part).localeCompare(String(b.part), 'en', { numeric: true }),
  );
}

const passed = ({ next }: CountReport): number =>
  Object.values(next).reduce((sum, offset) => sum + Number(offset), 0);

const isSlice = ({ part }: CountReport): boolean => part !== 'merge';

/** Offsets passed and, when every range has an end, offsets in all. */
function offsetsOf(plan: CountPlan, reports: readonly CountReport[]): [done: number, total: number | null] {
  const next = new Map(reports.filter(isSlice).flatMap((report) => Object.entries(report.next)));
  let done = 0;
  let total: number | null = 0;
  for (const { partition, startOffset, endOffset } of plan.slices.flatMap(({ ranges }) => ranges)) {
    done += Number(next.get(String(partition)) ?? startOffset) - Number(startOffset);
    total = total === null || endOffset === null ? null : total + Number(endOffset) - Number(startOffset);
  }
  return [done, total];
}

function rateOf(live: readonly CountReport[]): number | null {
  const perSecond = live
    .filter((report) => isSlice(report) && report.lap.elapsedMs > 0)
    .reduce((sum, { lap }) => sum + (1_000 * lap.records) / lap.elapsedMs, 0);
  return perSecond > 0 ? Math.round(perSecond) : null;
}

/** Frames as the slices have counted them, results as the merge stage has. */
function countsOf(reports: readonly CountReport[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const report of reports.filter(isSlice)) {
    for (const [name, frames] of Object.entries(report.counts)) counts[name] = (counts[name] ?? 0) + frames;
  }
  const merge = reports.find((report) => !isSlice(report));
  return { ...counts, results: merge?.counts.results ?? 0 };
}
