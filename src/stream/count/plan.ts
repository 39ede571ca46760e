import { checkCount, countRules } from '../../core/count-plan.js';
import { PipelineError } from '../../core/errors.js';
import { countJobId, countPartialsTopic } from '../../core/ids.js';
import { CHECKPOINT_TOPIC } from '../checkpoint-store.js';
import { COUNT_JOBS_TOPIC, quarantineTopic, sketchesTopic } from '../../core/names.js';
import { mostSketchBytes } from '../../core/sketch-codec.js';
import { givenOf } from '../../core/sliced-job.js';
import { mostCountsBytes } from '../../core/uniques-state.js';
import type { CountInput, CountPlan, CountResult, CountSpec, PlannedCount } from '../../messages.js';
import { ensureCheckpointTopic } from '../checkpoint-topic.js';
import { asAsked, draftJob } from '../draft-job.js';
import { digestOf, JobStore } from '../job-store.js';
import { COMPACTED, ensureTopic, partialsConfig, type JobPlanDeps } from '../job-topics.js';
import { letterBytes, recordBytes, sizeFaults, takes, takesStates } from '../record-sizes.js';
import { readLimits, type TopicAdmin } from '../topic-limits.js';
import type { Output } from '../transactional-writer.js';

export interface CountPlanDeps extends JobPlanDeps {
  readonly admin: TopicAdmin;
}

const DAY_MS = 24 * 3_600_000;

const QUARANTINE = { 'cleanup.policy': 'delete', 'retention.ms': String(30 * DAY_MS) };
/** Cumulative states without deletions: the newest of a key is all the merge stage needs, so compaction loses nothing. */
const PARTIALS = partialsConfig('compact,delete');

const SPEC = [
  'source',
  'target',
  'from',
  'bounded',
  'to',
  'tsField',
  'idFields',
  'strict',
  'precision',
  'latenessS',
  'confirmFrames',
] as const satisfies readonly (keyof CountSpec)[];

/** What a job is about, without how it is run. */
export const countSpec = (input: CountInput): CountSpec => givenOf(input, SPEC);

/**
 * The job's plan, made now or recorded earlier.
 * @throws PipelineError `BAD_COUNT`, `TOPIC_MISSING`, `JOB_EXISTS`.
 */
export async function planCount(deps: CountPlanDeps, input: CountInput): Promise<PlannedCount> {
  checkCount(input);
  const { kafka, admin, now } = deps;
  await ensureCheckpointTopic(admin, kafka);
  await ensureTopic(deps, COUNT_JOBS_TOPIC, 1, COMPACTED);
  const store = new JobStore<CountPlan, CountResult>(kafka, now);
  const digest = digestOf(countSpec(input));
  const draft = () => draftCountPlan(deps, input);
  return asAsked(await store.plan(countJobId(input.job), digest, draft, tellOfCount), input);
}

/** What ClickHouse needs to know of a job to count exactly what it counts, and where its results are. */
function tellOfCount({ job, spec, slices, plannedAtMs }: CountPlan, output: Output): void {
  const { source, target } = spec;
  const { tsField, idFields } = countRules(spec).format;
  const ranges = slices.flatMap((slice) => slice.ranges);
  output.write(COUNT_JOBS_TOPIC, 0, {
    timestampMs: plannedAtMs,
    key: Buffer.from(job),
    value: Buffer.from(JSON.stringify({ job, source, target, tsField, idFields, ranges })),
  });
}

/**
 * Resolves once what a count will read, and makes the topics it writes.
 * @throws PipelineError `BAD_COUNT`, `TOPIC_MISSING`.
 */
export async function draftCountPlan(deps: CountPlanDeps, input: CountInput): Promise<CountPlan> {
  checkCount(input);
  const id = countJobId(input.job);
  const what = `planning count ${input.job}: the topic of frames`;
  const job = await draftJob(deps, { id, spec: countSpec(input), what }, input);
  const target = await ensureTopic(deps, input.target, 1, COMPACTED);
  const sketches = await ensureTopic(deps, sketchesTopic(input.target), 1, COMPACTED);
  const letter = letterBytes(await readLimits(deps.admin, input.source));
  const quarantineConfig = { ...QUARANTINE, ...takes(letter) };
  const quarantine = await ensureTopic(deps, quarantineTopic(input.source), 1, quarantineConfig);
  const { format, precision } = countRules(input);
  const state = recordBytes(mostCountsBytes(format.idFields.length, precision));
  const partialsTopic = countPartialsTopic(input.job);
  const partialsConfig = { ...PARTIALS, ...takesStates(state) };
  const partials = await ensureTopic(deps, partialsTopic, job.slices.length, partialsConfig);
  const faults = await sizeFaults(deps.admin, [
    [target.topic, recordBytes(0)],
    [sketches.topic, recordBytes(mostSketchBytes(precision))],
    [quarantine.topic, letter],
    [partials.topic, state],
    [CHECKPOINT_TOPIC, Math.max(state, letter)],
  ]);
  if (faults.length > 0) {
    throw new PipelineError('BAD_COUNT', `planning count ${input.job}: ${faults.join('; ')}`);
  }
  return { ...job, target, sketches, quarantine, partials };
}
