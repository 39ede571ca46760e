import type {
  OffsetRange,
  PlannedReplay,
  ReplayPlan,
  ReplayProgress,
  ReplayResult,
  ReplaySliceReport,
  ReplayStatus,
} from '../messages.js';

export interface StatusParts {
  readonly job: string;
  readonly planned: PlannedReplay | null;
  /** Of a workflow that runs. */
  readonly progress: ReplayProgress | null;
  /** Temporal's name of the workflow's status; null when it knows of none. */
  readonly workflow: string | null;
  /** Heartbeats of laps under way. */
  readonly live: readonly ReplaySliceReport[];
  readonly fault: string | null;
}

/** Plan, ended laps and heartbeats as one. The record decides what is finished, Temporal only what is under way. */
export function replayStatus({ job, planned, progress, workflow, live, fault }: StatusParts): ReplayStatus {
  const plan = planned?.plan ?? null;
  const result = planned?.result ?? null;
  const reports = newest([...(progress?.reports ?? []), ...live]);
  const isOver = result !== null;
  const total = plan ? lengthOf(rangesOf(plan)) : 0;
  const done = isOver ? total : plan ? doneOf(plan, reports) : 0;
  const perSecond = isOver ? null : rateOf(live);
  return {
    job,
    state: isOver && workflow !== 'RUNNING' ? finishedState(result) : stateOf(progress, workflow),
    plan,
    result,
    rate: progress?.rate ?? {},
    done: String(done),
    total: String(total),
    counts: result?.counts ?? countsOf(reports),
    gaps: result?.gaps ?? reports.flatMap(({ gaps }) => gaps),
    recordsPerSecond: perSecond,
    etaMs: perSecond ? Math.round((1_000 * (total - done)) / perSecond) : null,
    // What a later start met, another input under this name for example, is no fault of what is recorded.
    fault: isOver && finishedState(result) === 'finished' ? null : fault,
  };
}

const finishedState = ({ verification }: ReplayResult): ReplayStatus['state'] =>
  verification?.verdict === 'failed' ? 'failed' : 'finished';

function stateOf(progress: ReplayProgress | null, workflow: string | null): ReplayStatus['state'] {
  switch (workflow) {
    case 'RUNNING':
      return progress?.state ?? 'running';
    case 'COMPLETED':
      return 'finished';
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

/** By slice the report that is furthest. */
function newest(reports: readonly ReplaySliceReport[]): ReplaySliceReport[] {
  const bySlice = new Map<number, ReplaySliceReport>();
  for (const report of reports) {
    const known = bySlice.get(report.slice);
    if (known === undefined || read(report) >= read(known)) bySlice.set(report.slice, report);
  }
  return [...bySlice.values()];
}

const read = ({ next }: ReplaySliceReport): number =>
  Object.values(next).reduce((sum, offset) => sum + Number(offset), 0);

const rangesOf = (plan: ReplayPlan): OffsetRange[] => plan.slices.flatMap(({ ranges }) => ranges);

const lengthOf = (ranges: readonly OffsetRange[]): number =>
  ranges.reduce((sum, { startOffset, endOffset }) => sum + Number(endOffset) - Number(startOffset), 0);

function doneOf(plan: ReplayPlan, reports: readonly ReplaySliceReport[]): number {
  const next = new Map(reports.flatMap((report) => Object.entries(report.next)));
  return rangesOf(plan).reduce((sum, { partition, startOffset }) => {
    const at = next.get(String(partition));
    return at === undefined ? sum : sum + Number(at) - Number(startOffset);
  }, 0);
}

function rateOf(live: readonly ReplaySliceReport[]): number | null {
  const perSecond = live
    .filter(({ lap }) => lap.elapsedMs > 0)
    .reduce((sum, { lap }) => sum + (1_000 * lap.records) / lap.elapsedMs, 0);
  return perSecond > 0 ? Math.round(perSecond) : null;
}

function countsOf(reports: readonly ReplaySliceReport[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const report of reports) {
    for (const [verdict, records] of Object.entries(report.counts)) {
      counts[verdict] = (counts[verdict] ?? 0) + records;
    }
  }
  return counts;
}
