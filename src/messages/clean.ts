import type { LoginIdentity } from '../core/logins/insights.js';
import type { CleanChoices } from '../core/logins/plan.js';
import type {
  JobInput,
  JobPlan,
  JobProgress,
  JobResult,
  JobSpec,
  JobStatus,
  JobTopic,
  PlannedJob,
  RecordJobInput,
} from './stream-job.js';

/** Messages of `cleanLogins`: plain JSON, offsets as decimal strings, instants as epoch milliseconds. */

/** What is cleaned, of a topic of login messages, and how. Two inputs that agree in this are the same job. */
export interface CleanSpec extends JobSpec, CleanChoices {
  /** Topics of clean records, dead letters and insights; two jobs that run side by side need their own. */
  readonly clean: string;
  readonly dlq: string;
  readonly insights: string;
}

/** Its workflow is `clean/<job>`. */
export interface CleanInput extends CleanSpec, JobInput {}

/** Made once and never changed. */
export interface CleanPlan extends JobPlan {
  readonly spec: CleanSpec;
  readonly clean: JobTopic;
  readonly dlq: JobTopic;
  readonly insights: JobTopic;
}

/** Counts of slices are named `partition/outcome` and `partition/outcome/reason`, those of the merge stage as in MergeCounts. */
export type CleanResult = JobResult;
export type CleanProgress = JobProgress<CleanPlan>;
export type PlannedClean = PlannedJob<CleanPlan>;
export type RecordCleanInput = RecordJobInput<CleanPlan>;

/** Messages of one partition by how they ended: `read = clean + dlq + filtered`, of offsets `[startOffset, offset)`. */
export type CleanPartition = Omit<LoginIdentity, 'kind' | 'emittedAt'>;

/** A cleaning as it stands. */
export interface CleanStatus extends JobStatus<CleanPlan> {
  readonly partitions: readonly CleanPartition[];
  /** Whether the identity holds in every partition. */
  readonly identityHolds: boolean;
}
