/** Messages of `countUniqueUsers`: plain JSON, offsets as decimal strings, instants as epoch milliseconds. */

import type { CountChoices } from '../core/count-plan.js';
import type {
  JobGap,
  JobInput,
  JobPlan,
  JobProgress,
  JobRange,
  JobReport,
  JobResult,
  JobSpec,
  JobStatus,
  JobTopic,
  MergeLapInput,
  PlannedJob,
  RecordJobInput,
  SliceLapInput,
} from './stream-job.js';

export type CountRange = JobRange;
export type CountTopic = JobTopic;
export type CountGap = JobGap;
export type CountReport = JobReport;
export type CountSliceLapInput = SliceLapInput<CountPlan>;
export type CountMergeLapInput = MergeLapInput<CountPlan>;
/** Counts: frames by how they ended (see FrameTally), `results` written. */
export type CountResult = JobResult;
export type CountProgress = JobProgress<CountPlan>;

/** What is counted, of a topic of frames, and how. Two inputs that agree in this are the same job. */
export interface CountSpec extends JobSpec, CountChoices {
  /** Topic of results; two jobs that run side by side need two. */
  readonly target: string;
}

/** Its workflow is `count/<job>`. */
export interface CountInput extends CountSpec, JobInput {}

/** Made once and never changed. */
export interface CountPlan extends JobPlan {
  readonly spec: CountSpec;
  readonly target: CountTopic;
  /** The sketch behind every final or revised result. */
  readonly sketches: CountTopic;
  /** Frames that were not counted, with the reason. */
  readonly quarantine: CountTopic;
}

export type PlannedCount = PlannedJob<CountPlan>;
export type RecordCountInput = RecordJobInput<CountPlan>;

/** A count as it stands. */
export interface CountStatus extends Omit<JobStatus<CountPlan>, 'recordsPerSecond'> {
  readonly framesPerSecond: number | null;
}
