/** What the jobs that run in slices and a merge stage have in common: plain JSON, offsets as decimal strings. */

/** Offsets `[startOffset, endOffset)` of one partition; without an end the log is followed. */
export interface JobRange {
  readonly partition: number;
  readonly startOffset: string;
  readonly endOffset: string | null;
}

export interface JobTopic {
  readonly topic: string;
  /** Another one means: deleted and created again. */
  readonly topicId: string;
  readonly partitions: number;
}

export interface JobSlice {
  readonly index: number;
  readonly ranges: readonly JobRange[];
  readonly checkpointPartition: number;
}

/** What of a job's spec says what is read of the source. */
export interface JobSpec {
  /** The topic that is read. */
  readonly source: string;
  /** Where to begin: with what the topic still holds (default), with what comes now, or at an instant (record timestamps). */
  readonly from?: 'beginning' | 'end' | number;
  /** Ends where the topic ended when the job was planned, instead of following it. */
  readonly bounded?: boolean;
  /**
   * Ends, in each partition, before the first record of this instant or later (record timestamps) that is there when the job is
   * planned; where there is none, where the topic ended. Epoch milliseconds.
   */
  readonly to?: number;
}

/** What of a job's input says how it is run. */
export interface JobInput {
  /** The job's name; its workflow is `<kind>/<job>`. */
  readonly job: string;
  /** Into how many units the partitions are divided that may run side by side; default 1. */
  readonly slices?: number;
  /** Milliseconds between results that are not final yet; default 5,000, 0 for none before the end. */
  readonly provisionalMs?: number;
  /** Goes on behind records that the topic has lost; they are in the result either way. */
  readonly allowGaps?: boolean;
  readonly requestedBy?: string;
}

/** The part of a plan by which slices and merge stage are run. Made once and never changed. */
export interface JobPlan {
  readonly version: 1;
  readonly job: string;
  /** Of the spec: the same name with another digest is refused. */
  readonly digest: string;
  readonly plannedAtMs: number;
  readonly requestedBy: string;
  /** Milliseconds between results that are not final yet; 0 for none before the end. */
  readonly provisionalMs: number;
  readonly allowGaps: boolean;
  readonly source: JobTopic;
  /** What the slices tell the merge stage: one partition per slice. */
  readonly partials: JobTopic;
  readonly slices: readonly JobSlice[];
  readonly mergeCheckpointPartition: number;
}

export interface JobGap {
  readonly partition: number;
  readonly startOffset: string;
  readonly endOffset: string;
  readonly reason: string;
}

/** How far a slice, or the merge stage, is; also its heartbeat. Counts are since the job began. */
export interface JobReport {
  /** Index of the slice; `merge` for the merge stage. */
  readonly part: number | 'merge';
  readonly finished: boolean;
  readonly next: Readonly<Record<string, string>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly gaps: readonly JobGap[];
  /** Records of this lap and how long it took. */
  readonly lap: { readonly records: number; readonly transactions: number; readonly elapsedMs: number };
}

export interface SliceLapInput<Plan extends JobPlan> {
  readonly plan: Plan;
  readonly slice: number;
}

export interface MergeLapInput<Plan extends JobPlan> {
  readonly plan: Plan;
  /** Ends of the partial states, by slice, once no slice will add to them; null while they may. */
  readonly ends: readonly string[] | null;
}

/** A bounded job that is over, or a live one as it was when stopped (then a start with the same input goes on). */
export interface JobResult {
  readonly job: string;
  readonly outcome: 'finished' | 'stopped';
  readonly counts: Readonly<Record<string, number>>;
  readonly gaps: readonly JobGap[];
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** Null for one that was stopped: it is not recorded. */
  readonly codeVersion: string | null;
  /** This is the record of an earlier run. */
  readonly reused: boolean;
}

/** Where the planning of a job came to: its plan, new or as recorded, and the result if it has one. */
export interface PlannedJob<Plan extends JobPlan> {
  readonly plan: Plan;
  readonly result: JobResult | null;
}

export interface RecordJobInput<Plan extends JobPlan> {
  readonly plan: Plan;
  readonly result: Omit<JobResult, 'codeVersion' | 'reused'>;
}

/** `counting` is the work of the slices, `merging` what the merge stage does alone at the end. */
export type JobState = 'planning' | 'counting' | 'merging' | 'stopping' | 'finished';

/** Answer of a job's query `progress`, from laps that have ended; a client adds what heartbeats say. */
export interface JobProgress<Plan extends JobPlan> {
  readonly job: string;
  readonly state: JobState;
  readonly plan: Plan | null;
  readonly reports: readonly JobReport[];
}

/** A job as it stands. */
export interface JobStatus<Plan extends JobPlan> {
  readonly job: string;
  /** `failed`, `cancelled` ... as Temporal says once it is over. */
  readonly state: JobState | 'stopped' | 'failed' | 'cancelled' | 'terminated' | 'unknown';
  readonly plan: Plan | null;
  readonly reports: readonly JobReport[];
  /** Offsets passed, and in all where the job is bounded. */
  readonly done: string;
  readonly total: string | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly recordsPerSecond: number | null;
  readonly etaMs: number | null;
  /** What the last attempt of a part met, while it is tried again; what ended the job, once it has failed. */
  readonly fault: string | null;
}
