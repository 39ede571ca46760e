import { checkClean } from '../core/logins/plan.js';
import { cleanJobId } from '../core/ids.js';
import type {
  CleanInput,
  CleanPlan,
  CleanResult,
  JobReport,
  MergeLapInput,
  PlannedClean,
  RecordCleanInput,
  SliceLapInput,
} from '../messages.js';
import { ensureCheckpointTopic } from '../stream/checkpoint-topic.js';
import { cleanMergeLap, cleanSliceLap } from '../stream/clean/lap.js';
import { cleanSpec, draftCleanPlan, type CleanPlanDeps } from '../stream/clean/plan.js';
import { asAsked } from '../stream/draft-job.js';
import { partialEnds } from '../stream/job-lap.js';
import { digestOf, JobStore } from '../stream/job-store.js';
import type { KafkaConnection } from '../stream/kafka-connection.js';
import { askingKafka, inLap } from './in-lap.js';

export interface CleanDeps {
  readonly kafka: KafkaConnection;
  readonly admin: CleanPlanDeps['admin'];
  readonly codeVersion: string;
  readonly now: () => number;
}

export type CleanActivities = ReturnType<typeof createCleanActivities>;
export type CleanSliceActivities = ReturnType<typeof createCleanSliceActivities>;

/** Planning, merging and recording: for the control worker. */
export function createCleanActivities({ kafka, admin, codeVersion, now }: CleanDeps) {
  const store = new JobStore<CleanPlan, CleanResult>(kafka, now);
  return {
    /** The job's plan, made now or recorded earlier. @throws PipelineError `BAD_CLEAN`, `TOPIC_MISSING`, `JOB_EXISTS`. */
    planClean: (input: CleanInput): Promise<PlannedClean> =>
      askingKafka(`planning to clean ${input.job}`, async () => {
        checkClean(input);
        await ensureCheckpointTopic(admin, kafka);
        const digest = digestOf(cleanSpec(input));
        const draft = () => draftCleanPlan({ kafka, admin, now }, input);
        return asAsked(await store.plan(cleanJobId(input.job), digest, draft), input);
      }),

    /** One lap of the merge stage; ends well when it is cancelled. */
    mergeClean: ({ plan, ends }: MergeLapInput<CleanPlan>): Promise<JobReport> =>
      inLap(kafka, now, `merging the logins of ${plan.job}`, (deps) => cleanMergeLap(deps, plan, ends)),

    /** Where what the slices report ends, by slice: asked once no slice adds to it any more. */
    freezeCleanPartials: ({ plan }: { readonly plan: CleanPlan }): Promise<string[]> =>
      askingKafka(`freezing the reports of ${plan.job}`, () => partialEnds(kafka, plan)),

    recordClean: ({ plan, result }: RecordCleanInput): Promise<CleanResult> =>
      askingKafka(`recording the end of ${plan.job}`, async () => {
        const recorded: CleanResult = { ...result, codeVersion, reused: false };
        await store.recordResult(cleanJobId(plan.job), recorded);
        return recorded;
      }),
  };
}

/** Cleaning: for the stream workers. */
export function createCleanSliceActivities({ kafka, now }: Pick<CleanDeps, 'kafka' | 'now'>) {
  return {
    /** One lap of a slice; ends well when it is cancelled. */
    cleanSlice: ({ plan, slice }: SliceLapInput<CleanPlan>): Promise<JobReport> =>
      inLap(kafka, now, `cleaning slice ${slice} of ${plan.job}`, (deps) => cleanSliceLap(deps, plan, slice)),
  };
}
