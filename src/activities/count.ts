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
import { countMergeLap, countSliceLap } from '../stream/count/lap.js';
import { planCount, type CountPlanDeps } from '../stream/count/plan.js';
import { partialEnds } from '../stream/job-lap.js';
import { JobStore } from '../stream/job-store.js';
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
      askingKafka(`planning count ${input.job}`, () => planCount({ kafka, admin, now }, input)),

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
