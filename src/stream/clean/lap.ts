import { cleanPartId } from '../../core/ids.js';
import { insightRules, latenessMs } from '../../core/logins/plan.js';
import type { CleanPlan, JobReport } from '../../messages.js';
import { mergeLap, partitionsOf, rangesOf, sliceLap, type JobLapDeps } from '../job-lap.js';
import { LoginsMergeProcessor } from '../processors/logins-merge.js';
import { LoginsProcessor } from '../processors/logins.js';
import { DEFAULT_LIMITS, type LapLimits } from '../run-slice.js';

/** How long a partition of a live job must bring nothing before nobody waits for it. */
const IDLE_MS = 10_000;
/** Readers of the clean topic see a login once it is committed: half of what they wait is this. */
const LIMITS: LapLimits = { ...DEFAULT_LIMITS, commitMs: 250 };
/** A commit writes every window and user that changed, so it is worth many logins. */
const MERGE_LIMITS: LapLimits = { ...DEFAULT_LIMITS, commitMs: 1_000 };

/** One lap of a slice: messages to clean records and dead letters. @throws PipelineError as `runSlice`, `IDENTITY_BROKEN`. */
export function cleanSliceLap(
  deps: JobLapDeps,
  plan: CleanPlan,
  index: number,
  limits: Partial<LapLimits> = {},
): Promise<JobReport> {
  const processor = new LoginsProcessor({
    job: plan.job,
    source: plan.source,
    partitions: rangesOf(plan, index),
    rules: { latenessMs: latenessMs(plan.spec) },
    filter: plan.spec.filter,
    clean: plan.clean.topic,
    dlq: plan.dlq,
    partials: { topic: plan.partials.topic, partition: index },
    idleMs: IDLE_MS,
    now: deps.now,
  });
  return sliceLap(deps, plan, { index, id: cleanPartId(plan.job, index) }, processor, {
    ...LIMITS,
    ...limits,
  });
}

/**
 * One lap of the merge stage: clean logins to insights. With `ends`, by slice, it finishes there; without, it follows.
 * @throws PipelineError as `runSlice`, `IDENTITY_BROKEN`.
 */
export function cleanMergeLap(
  deps: JobLapDeps,
  plan: CleanPlan,
  ends: readonly string[] | null,
  limits: Partial<LapLimits> = {},
): Promise<JobReport> {
  const processor = new LoginsMergeProcessor({
    job: plan.job,
    partitions: partitionsOf(plan),
    rules: insightRules(plan.spec),
    insights: plan.insights,
    provisionalMs: plan.provisionalMs,
    now: deps.now,
  });
  const part = { id: cleanPartId(plan.job, 'merge'), ends };
  return mergeLap(deps, plan, part, processor, { ...MERGE_LIMITS, ...limits });
}
