import { checkCount } from '../core/count-plan.js';
import { countJobId } from '../core/ids.js';
import type {
  CountInput,
  CountMergeLapInput,
  CountPlan,
  CountReport,
  CountResult,
  CountSliceLapInput,
  PlannedCount,
  RecordCountInput,
} from '../messages.js';
import { ensureCheckpointTopic } from '../stream/checkpoint-topic.js';
import { countMergeLap, countSliceLap } from '../stream/count/lap.js';
import { countSpec, draftCountPlan, type CountPlanDeps } from '../stream/count/plan.js';
import { asAsked } from '../stream/draft-job.js';
import { partialEnds } from '../stream/job-lap.js';
import { digestOf, JobStore } from '../stream/job-store.js';
import type { KafkaConnection } from '../stream/kafka-connection.js';
import { askingKafka, inLap } from './in-lap.js';

export interface CountDeps {
  readonly kafka: KafkaConnection;
  readonly admin: CountPlanDeps['admin'];
  readonly codeVersion: string;
  readonly now: () => number;
}

export type CountActivities = ReturnType<typeof createCountActivities>;
export type CountSliceActivities = ReturnType<typeof createCountSliceActivities>;

/** Planning, merging and recording: for the control worker. */
export function createCountActivities({ kafka, admin, codeVersion, now }: CountDeps) {
  const store = new JobStore<CountPlan, CountResult>(kafka, now);
  return {
    /** The job's plan, made now or recorded earlier. @throws PipelineError `BAD_COUNT`, `TOPIC_MISSING`, `JOB_EXISTS`. */
    planCount: (input: CountInput): Promise<PlannedCount> =>
      askingKafka(`planning count ${input.job}`, async () => {
        checkCount(input);
        await ensureCheckpointTopic(admin, kafka);
        const digest = digestOf(countSpec(input));
        const draft = () => draftCountPlan({ kafka, admin, now }, input);
        return asAsked(await store.plan(countJobId(input.job), digest, draft), input);
      }),

    /** One lap of the merge stage; ends well when it is cancelled. */
    mergeCount: ({ plan, ends }: CountMergeLapInput): Promise<CountReport> =>
      inLap(kafka, now, `merging count ${plan.job}`, (deps) => countMergeLap(deps, plan, ends)),

    /** Where the partial states end, by slice: asked once no slice adds to them any more. */
    freezePartials: ({ plan }: { readonly plan: CountPlan }): Promise<string[]> =>
      askingKafka(`freezing the partial states of count ${plan.job}`, () => partialEnds(kafka, plan)),

    recordCount: ({ plan, result }: RecordCountInput): Promise<CountResult> =>
      askingKafka(`recording count ${plan.job}`, async () => {
        const recorded: CountResult = { ...result, codeVersion, reused: false };
        await store.recordResult(countJobId(plan.job), recorded);
        return recorded;
      }),
  };
}

/** Counting: for the stream workers. */
export function createCountSliceActivities({ kafka, now }: Pick<CountDeps, 'kafka' | 'now'>) {
  return {
    /** One lap of a slice; ends well when it is cancelled. */
    countSlice: ({ plan, slice }: CountSliceLapInput): Promise<CountReport> =>
      inLap(kafka, now, `counting slice ${slice} of ${plan.job}`, (deps) => countSliceLap(deps, plan, slice)),
  };
}
