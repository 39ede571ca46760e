/** Messages of `countUniqueUsers`: plain JSON, offsets as decimal strings, instants as epoch milliseconds. */

import type {
  JobGap,
  JobPlan,
  JobProgress,
  JobRange,
  JobReport,
  JobResult,
  JobStatus,
  JobTopic,
  MergeLapInput,
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

/** What is counted and how. Two inputs that agree in this are the same job. */
export interface CountSpec {
  /** Topic of frames. */
  readonly source: string;
  /** Topic of results; two jobs that run side by side need two. */
  readonly target: string;
  /** Where to begin: with what the topic still holds (default), with what comes now, or at an instant (record timestamps). */
  readonly from?: 'beginning' | 'end' | number;
  /** Ends where the topic ended when the job was planned, instead of following it. */
  readonly bounded?: boolean;
  readonly tsField?: string;
  readonly idFields?: readonly string[];
  /** Reads every frame to its end and validates it. */
  readonly strict?: boolean;
  readonly precision?: number;
  /** How late a frame may be and still be counted, seconds. */
  readonly latenessS?: number;
  readonly confirmFrames?: number;
}

export interface CountInput extends CountSpec {
  /** The job's name; its workflow is `count/<job>`. */
  readonly job: string;
  /** Into how many units the partitions are divided that may run side by side; default 1. */
  readonly slices?: number;
  /** Milliseconds between results that are not final yet; default 5,000, 0 for none. */
  readonly provisionalMs?: number;
  /** Goes on behind frames that the topic has lost; they are in the result either way. */
  readonly allowGaps?: boolean;
  readonly requestedBy?: string;
}

/** Made once and never changed. */
export interface CountPlan extends JobPlan {
  readonly spec: CountSpec;
  readonly provisionalMs: number;
  readonly target: CountTopic;
  /** The sketch behind every final or revised result. */
  readonly sketches: CountTopic;
  /** Frames that were not counted, with the reason. */
  readonly quarantine: CountTopic;
}

/** Where the planning of a job came to: its plan, new or as recorded, and the result if it has one. */
export interface PlannedCount {
  readonly plan: CountPlan;
  readonly result: CountResult | null;
}

export interface RecordCountInput {
  readonly plan: CountPlan;
  readonly result: Omit<CountResult, 'codeVersion' | 'reused'>;
}

/** A count as it stands. */
export interface CountStatus extends Omit<JobStatus<CountPlan>, 'recordsPerSecond'> {
  readonly framesPerSecond: number | null;
}
