import { checkpointPartition } from '../core/checkpoint-partition.js';
import { PipelineError } from '../core/errors.js';
import { dealOut } from '../core/sliced-job.js';
import type { JobInput, JobPlan, JobSpec, PlannedJob } from '../messages.js';
import { ensureCheckpointTopic } from './checkpoint-topic.js';
import { digestOf } from './job-store.js';
import { plannedRanges, requireTopic, type JobPlanDeps } from './job-topics.js';
import { freeze } from './log-positions.js';

/** Milliseconds between results that are not final yet, unless the job says. */
const PROVISIONAL_MS = 5_000;

/** A plan but for the topics that the job writes. */
export type DraftedJob<Spec> = Omit<JobPlan, 'partials'> & { readonly spec: Spec };

/**
 * Resolves once what a job reads, into which slices that is divided, and where each part keeps its checkpoint.
 * @param what begins the message when the source is missing. @throws PipelineError `TOPIC_MISSING`.
 */
export async function draftJob<Spec extends JobSpec>(
  { kafka, admin, now }: JobPlanDeps,
  { id, spec, what }: { readonly id: string; readonly spec: Spec; readonly what: string },
  input: JobInput,
): Promise<DraftedJob<Spec>> {
  const { source } = spec;
  await requireTopic(kafka, source, what);
  const { topicId, partitions } = await freeze(kafka, source);
  const slices = dealOut(await plannedRanges(kafka, spec, partitions), input.slices ?? 1);
  const checkpoints = await ensureCheckpointTopic(admin, kafka);
  const partOf = (part: number): number => checkpointPartition(id, part, checkpoints.partitions.length);
  return {
    version: 1,
    job: input.job,
    digest: digestOf(spec),
    spec,
    plannedAtMs: now(),
    requestedBy: input.requestedBy ?? '',
    ...pace(input),
    source: { topic: source, topicId, partitions: partitions.length },
    slices: slices.map((ranges, index) => ({ index, ranges, checkpointPartition: partOf(index) })),
    mergeCheckpointPartition: partOf(slices.length),
  };
}

const pace = ({ provisionalMs = PROVISIONAL_MS, allowGaps = false }: JobInput) => ({
  provisionalMs,
  allowGaps,
});

/**
 * A plan made now or earlier, run as the newest start says: what is counted stays, as do the slices, whose checkpoints are kept.
 * @throws PipelineError `JOB_EXISTS` for other slices, unless the job has its result.
 */
export function asAsked<Plan extends JobPlan>(planned: PlannedJob<Plan>, input: JobInput): PlannedJob<Plan> {
  const { plan, result } = planned;
  if (result !== null) return planned;
  const slices = Math.min(input.slices ?? 1, plan.source.partitions);
  if (slices === plan.slices.length) return { plan: { ...plan, ...pace(input) }, result };
  const begun = `it was begun with ${plan.slices.length} slices and goes on with as many`;
  throw new PipelineError('JOB_EXISTS', `planning ${plan.job}: ${begun}, or under another name`);
}
