import { PipelineError } from '../../core/errors.js';
import { cleanJobId, cleanPartialsTopic } from '../../core/ids.js';
import { checkClean } from '../../core/logins/plan.js';
import { givenOf } from '../../core/sliced-job.js';
import type { CleanInput, CleanPlan, CleanSpec, JobTopic } from '../../messages.js';
import { draftJob } from '../draft-job.js';
import { COMPACTED, ensureTopic, partialsConfig, type JobPlanDeps } from '../job-topics.js';
import { makeTopic } from '../make-topic.js';
import { letterBytes, sizeFaults, takes } from '../record-sizes.js';
import { readLimits, type TopicAdmin } from '../topic-limits.js';

export interface CleanPlanDeps extends JobPlanDeps {
  readonly admin: TopicAdmin;
}

/** Each login is told once, so nothing may be compacted away. */
const PARTIALS = partialsConfig('delete');

const SPEC = [
  'source',
  'clean',
  'dlq',
  'insights',
  'from',
  'bounded',
  'to',
  'latenessS',
  'filter',
  'windowS',
  'alertWindowS',
  'sharedDeviceUsers',
  'hoppingDevices',
  'burstLogins',
  'newestVersion',
  'entries',
] as const satisfies readonly (keyof CleanSpec)[];

/** What a job is about, without how it is run. */
export const cleanSpec = (input: CleanInput): CleanSpec => givenOf(input, SPEC);

/**
 * Resolves once what a cleaning will read, and makes the topics it writes.
 * @throws PipelineError `BAD_CLEAN`, `TOPIC_MISSING`.
 */
export async function draftCleanPlan(deps: CleanPlanDeps, input: CleanInput): Promise<CleanPlan> {
  checkClean(input);
  const id = cleanJobId(input.job);
  const what = `planning to clean ${input.job}: the topic of logins`;
  const job = await draftJob(deps, { id, spec: cleanSpec(input), what }, input);
  const { clean, dlq } = await ensureOutputs(deps, input, job.source.partitions);
  const insights = await ensureTopic(deps, input.insights, 1, COMPACTED);
  const partials = await ensureTopic(deps, cleanPartialsTopic(input.job), job.slices.length, PARTIALS);
  return { ...job, clean, dlq, insights, partials };
}

/**
 * The topics of clean records and dead letters, as they are or made: they must take whatever the source has taken, or one
 * message could stop the job.
 */
async function ensureOutputs(
  deps: CleanPlanDeps,
  { job, source, clean, dlq }: CleanInput,
  partitions: number,
): Promise<{ clean: JobTopic; dlq: JobTopic }> {
  const { kafka, admin } = deps;
  const limits = await readLimits(admin, source);
  const largest = letterBytes(limits);
  // As long as the source keeps the messages; dead letters until somebody has looked at them.
  await makeTopic(admin, kafka, clean, partitions, { 'retention.ms': String(limits.retentionMs) });
  await makeTopic(admin, kafka, dlq, partitions, takes(largest));
  const found = {
    clean: await ensureTopic(deps, clean, partitions, {}),
    dlq: await ensureTopic(deps, dlq, 1, {}),
  };
  const faults = await sizeFaults(admin, [[dlq, largest]]);
  if (found.clean.partitions !== partitions) {
    faults.push(
      `${clean} has ${found.clean.partitions} partitions, ${source} ${partitions}: they must agree`,
    );
  }
  for (const topic of [clean, dlq]) {
    const own = await readLimits(admin, topic);
    if (own.timestampType === 'CreateTime' && own.timestampAfterMaxMs < limits.timestampAfterMaxMs) {
      faults.push(`${topic} refuses timestamps that ${source} takes (message.timestamp.after.max.ms)`);
    }
  }
  if (faults.length === 0) return found;
  throw new PipelineError('BAD_CLEAN', `planning to clean ${job}: ${faults.join('; ')}`, {
    at: { topic: dlq },
  });
}
