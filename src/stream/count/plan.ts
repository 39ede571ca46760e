import { checkpointPartition } from '../../core/checkpoint-partition.js';
import { checkCount, dealOut } from '../../core/count-plan.js';
import { countJobId, countPartialsTopic } from '../../core/ids.js';
import { quarantineTopic, sketchesTopic } from '../../core/names.js';
import type { CountInput, CountPlan, CountSpec } from '../../messages.js';
import { CHECKPOINT_TOPIC } from '../checkpoint-store.js';
import { ensureCheckpointTopic } from '../checkpoint-topic.js';
import { digestOf } from '../job-store.js';
import {
  COMPACTED,
  ensureTopic,
  partialsConfig,
  plannedRanges,
  requireTopic,
  type JobPlanDeps,
} from '../job-topics.js';
import { freeze } from '../log-positions.js';

export type CountPlanDeps = JobPlanDeps;

const DAY_MS = 24 * 3_600_000;
/** Milliseconds between results that are not final yet, unless the job says. */
const PROVISIONAL_MS = 5_000;

const QUARANTINE = { 'cleanup.policy': 'delete', 'retention.ms': String(30 * DAY_MS) };
/** Cumulative states without deletions: the newest of a key is all the merge stage needs, so compaction loses nothing. */
const PARTIALS = partialsConfig('compact,delete');

/** What a job is about, without how it is run. */
export function countSpec(input: CountInput): CountSpec {
  const { source, target, from, bounded, tsField, idFields, strict, precision, latenessS, confirmFrames } =
    input;
  return {
    source,
    target,
    ...(from !== undefined && { from }),
    ...(bounded !== undefined && { bounded }),
    ...(tsField !== undefined && { tsField }),
    ...(idFields !== undefined && { idFields }),
    ...(strict !== undefined && { strict }),
    ...(precision !== undefined && { precision }),
    ...(latenessS !== undefined && { latenessS }),
    ...(confirmFrames !== undefined && { confirmFrames }),
  };
}

/**
 * Resolves once what a count will read, and makes the topics it writes.
 * @throws PipelineError `BAD_COUNT`, `TOPIC_MISSING`.
 */
export async function draftCountPlan(deps: CountPlanDeps, input: CountInput): Promise<CountPlan> {
  checkCount(input);
  const { kafka, admin } = deps;
  const spec = countSpec(input);
  await requireTopic(kafka, input.source, `planning count ${input.job}: the topic of frames`);
  const frozen = await freeze(kafka, input.source);
  const slices = dealOut(await plannedRanges(kafka, spec, frozen.partitions), input.slices ?? 1);
  await ensureCheckpointTopic(admin);
  const target = await ensureTopic(deps, input.target, 1, COMPACTED);
  const sketches = await ensureTopic(deps, sketchesTopic(input.target), 1, COMPACTED);
  const quarantine = await ensureTopic(deps, quarantineTopic(input.source), 1, QUARANTINE);
  const partials = await ensureTopic(deps, countPartialsTopic(input.job), slices.length, PARTIALS);
  const checkpoints = (await kafka.topic(CHECKPOINT_TOPIC, true)).partitions.length;
  const partOf = (part: number): number => checkpointPartition(countJobId(input.job), part, checkpoints);
  return {
    version: 1,
    job: input.job,
    digest: digestOf(spec),
    spec,
    plannedAtMs: deps.now(),
    requestedBy: input.requestedBy ?? '',
    provisionalMs: input.provisionalMs ?? PROVISIONAL_MS,
    allowGaps: input.allowGaps ?? false,
    source: { topic: input.source, topicId: frozen.topicId, partitions: frozen.partitions.length },
    target,
    sketches,
    quarantine,
    partials,
    slices: slices.map((ranges, index) => ({ index, ranges, checkpointPartition: partOf(index) })),
    mergeCheckpointPartition: partOf(slices.length),
  };
}
