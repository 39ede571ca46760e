import { checkCount } from '../../core/count-plan.js';
import { countJobId, countPartialsTopic } from '../../core/ids.js';
import { quarantineTopic, sketchesTopic } from '../../core/names.js';
import { givenOf } from '../../core/sliced-job.js';
import type { CountInput, CountPlan, CountSpec } from '../../messages.js';
import { draftJob } from '../draft-job.js';
import { COMPACTED, ensureTopic, partialsConfig, type JobPlanDeps } from '../job-topics.js';

export type CountPlanDeps = JobPlanDeps;

const DAY_MS = 24 * 3_600_000;

const QUARANTINE = { 'cleanup.policy': 'delete', 'retention.ms': String(30 * DAY_MS) };
/** Cumulative states without deletions: the newest of a key is all the merge stage needs, so compaction loses nothing. */
const PARTIALS = partialsConfig('compact,delete');

const SPEC = [
  'source',
  'target',
  'from',
  'bounded',
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
  const quarantine = await ensureTopic(deps, quarantineTopic(input.source), 1, QUARANTINE);
  const partials = await ensureTopic(deps, countPartialsTopic(input.job), job.slices.length, PARTIALS);
  return { ...job, target, sketches, quarantine, partials };
}
