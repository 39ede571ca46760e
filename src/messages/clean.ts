import type { JobPlan, JobProgress, JobResult, JobStatus, JobTopic } from './stream-job.js';

/** Messages of `cleanLogins`: plain JSON, offsets as decimal strings, instants as epoch milliseconds. */

/** What is cleaned and how. Two inputs that agree in this are the same job. */
export interface CleanSpec {
  /** Topic of login messages. */
  readonly source: string;
  /** Topics of clean records, dead letters and insights; two jobs that run side by side need their own. */
  readonly clean: string;
  readonly dlq: string;
  readonly insights: string;
  /** Where to begin: with what the topic still holds (default), with what comes now, or at an instant (record timestamps). */
  readonly from?: 'beginning' | 'end' | number;
  /** Ends where the topic ended when the job was planned, instead of following it. */
  readonly bounded?: boolean;
  /** How far behind its partition's time a login may be, seconds; default 3,600. */
  readonly latenessS?: number;
  /** CEL over the clean record as `value`: what it does not select is filtered. */
  readonly filter?: string;
  /** Seconds of a window of counts (60), and of alerts (600). */
  readonly windowS?: number;
  readonly alertWindowS?: number;
  /** Thresholds of alerts: users on a device (5), devices of a user (5), logins of a user (20). */
  readonly sharedDeviceUsers?: number;
  readonly hoppingDevices?: number;
  readonly burstLogins?: number;
  /** `n.n.n`: an app version above it is impossible. */
  readonly newestVersion?: string;
  /** Users, and devices, that alerts follow at most (200,000). */
  readonly entries?: number;
}

export interface CleanInput extends CleanSpec {
  /** The job's name; its workflow is `clean/<job>`. */
  readonly job: string;
  /** Into how many units the partitions are divided that may run side by side; default 1. */
  readonly slices?: number;
  /** Milliseconds between insights that are not final yet; default 5,000, 0 for none. */
  readonly provisionalMs?: number;
  /** Goes on behind messages that the topic has lost; they are in the result either way. */
  readonly allowGaps?: boolean;
  readonly requestedBy?: string;
}

/** Made once and never changed. */
export interface CleanPlan extends JobPlan {
  readonly spec: CleanSpec;
  readonly provisionalMs: number;
  readonly clean: JobTopic;
  readonly dlq: JobTopic;
  readonly insights: JobTopic;
}

/** Where the planning of a job came to: its plan, new or as recorded, and the result if it has one. */
export interface PlannedClean {
  readonly plan: CleanPlan;
  readonly result: CleanResult | null;
}

/** Counts of slices are named `partition/outcome` and `partition/outcome/reason`, those of the merge stage as in MergeCounts. */
export type CleanResult = JobResult;
export type CleanProgress = JobProgress<CleanPlan>;

export interface RecordCleanInput {
  readonly plan: CleanPlan;
  readonly result: Omit<CleanResult, 'codeVersion' | 'reused'>;
}

/** Messages of one partition by how they ended: `read = clean + dlq + filtered`, of offsets `[startOffset, offset)`. */
export interface CleanPartition {
  readonly partition: number;
  readonly startOffset: number;
  readonly offset: number;
  readonly read: number;
  readonly clean: number;
  readonly dlq: number;
  readonly filtered: number;
  readonly dlqReasons: Readonly<Record<string, number>>;
  readonly filteredReasons: Readonly<Record<string, number>>;
}

/** A cleaning as it stands. */
export interface CleanStatus extends JobStatus<CleanPlan> {
  readonly partitions: readonly CleanPartition[];
  /** Whether the identity holds in every partition. */
  readonly identityHolds: boolean;
}
