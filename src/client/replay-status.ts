import type {
  OffsetRange,
  PlannedReplay,
  ReplayPlan,
  ReplayProgress,
  ReplayResult,
  ReplaySliceReport,
  ReplayStatus,
} from '../messages.js';
import { endedBadly, furthest, recordsPerSecond } from './lap-reports.js';

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
  const reports = furthest([...(progress?.reports ?? []), ...live], ({ slice }) => slice);
  const isOver = result !== null;
  const total = plan ? lengthOf(rangesOf(plan)) : 0;
  const done = isOver ? total : plan ? doneOf(plan, reports) : 0;
  const perSecond = isOver ? null : recordsPerSecond(live);
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
    case null:
    default:
      return endedBadly(workflow);
  }
}

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

function countsOf(reports: readonly ReplaySliceReport[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const report of reports) {
    for (const [verdict, records] of Object.entries(report.counts)) {
      counts[verdict] = (counts[verdict] ?? 0) + records;
    }
  }
  return counts;
}
