import { countRules } from '../../core/count-plan.js';
import { countPartId } from '../../core/ids.js';
import type { CountPlan, CountReport } from '../../messages.js';
import { mergeLap, partitionsOf, rangesOf, sliceLap, type JobLapDeps } from '../job-lap.js';
import { UniquesMergeProcessor } from '../processors/uniques-merge.js';
import { UniquesProcessor } from '../processors/uniques.js';
import { DEFAULT_LIMITS, type LapLimits } from '../run-slice.js';

/** How long a partition of a live job must bring nothing before nobody waits for it. */
const IDLE_MS = 10_000;
/** Seconds of event time that one partition may be read ahead of another of its slice: what is open between them is memory. */
const MAX_SKEW_S = 6 * 3_600;
/** A commit writes every open window that changed, so it is worth many frames; by time, one a second. */
const LIMITS: LapLimits = { ...DEFAULT_LIMITS, commitRecords: 1_000_000 };

/** One lap of a slice: frames to the states of windows. @throws PipelineError as `runSlice`. */
export async function countSliceLap(
  deps: JobLapDeps,
  plan: CountPlan,
  index: number,
  limits: Partial<LapLimits> = {},
): Promise<CountReport> {
  const processor = new UniquesProcessor({
    job: plan.job,
    source: plan.source,
    partitions: rangesOf(plan, index),
    rules: countRules(plan.spec),
    partials: { topic: plan.partials.topic, partition: index },
    quarantine: plan.quarantine,
    idleMs: IDLE_MS,
    maxSkewS: MAX_SKEW_S,
    now: deps.now,
  });
  const part = { index, id: countPartId(plan.job, index) };
  return sliceLap(deps, plan, part, processor, { ...LIMITS, ...limits });
}

/**
 * One lap of the merge stage: states of windows to results. With `ends`, by slice, it finishes there; without, it follows.
 * @throws PipelineError as `runSlice`.
 */
export async function countMergeLap(
  deps: JobLapDeps,
  plan: CountPlan,
  ends: readonly string[] | null,
  limits: Partial<LapLimits> = {},
): Promise<CountReport> {
  const processor = new UniquesMergeProcessor({
    job: plan.job,
    partitions: partitionsOf(plan),
    rules: countRules(plan.spec),
    target: plan.target,
    sketches: plan.sketches,
    provisionalMs: plan.provisionalMs,
    now: deps.now,
  });
  const part = { id: countPartId(plan.job, 'merge'), ends };
  return mergeLap(deps, plan, part, processor, { ...LIMITS, ...limits });
}
