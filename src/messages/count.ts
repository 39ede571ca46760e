/** Messages of `countUniqueUsers`: plain JSON, offsets as decimal strings, instants as epoch milliseconds. */

/** Offsets `[startOffset, endOffset)` of one partition; without an end the log is followed. */
export interface CountRange {
  readonly partition: number;
  readonly startOffset: string;
  readonly endOffset: string | null;
}

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

export interface CountTopic {
  readonly topic: string;
  /** Another one means: deleted and created again. */
  readonly topicId: string;
  readonly partitions: number;
}

export interface CountSlice {
  readonly index: number;
  readonly ranges: readonly CountRange[];
  readonly checkpointPartition: number;
}

/** Made once and never changed. */
export interface CountPlan {
  readonly version: 1;
  readonly job: string;
  /** Of the spec: the same name with another digest is refused. */
  readonly digest: string;
  readonly spec: CountSpec;
  readonly plannedAtMs: number;
  readonly requestedBy: string;
  readonly provisionalMs: number;
  readonly allowGaps: boolean;
  readonly source: CountTopic;
  readonly target: CountTopic;
  /** The sketch behind every final or revised result. */
  readonly sketches: CountTopic;
  /** Frames that were not counted, with the reason. */
  readonly quarantine: CountTopic;
  /** What the slices tell the merge stage: one partition per slice. */
  readonly partials: CountTopic;
  readonly slices: readonly CountSlice[];
  readonly mergeCheckpointPartition: number;
}

/** Where the planning of a job came to: its plan, new or as recorded, and the result if it has one. */
export interface PlannedCount {
  readonly plan: CountPlan;
  readonly result: CountResult | null;
}

export interface CountSliceLapInput {
  readonly plan: CountPlan;
  readonly slice: number;
}

export interface CountMergeLapInput {
  readonly plan: CountPlan;
  /** Ends of the partial states, by slice, once no slice will add to them; null while they may. */
  readonly ends: readonly string[] | null;
}

export interface CountGap {
  readonly partition: number;
  readonly startOffset: string;
  readonly endOffset: string;
  readonly reason: string;
}

/** How far a slice, or the merge stage, is; also its heartbeat. Counts are since the job began. */
export interface CountReport {
  /** Index of the slice; `merge` for the merge stage. */
  readonly part: number | 'merge';
  readonly finished: boolean;
  readonly next: Readonly<Record<string, string>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly gaps: readonly CountGap[];
  /** Records of this lap and how long it took. */
  readonly lap: { readonly records: number; readonly transactions: number; readonly elapsedMs: number };
}

/** A bounded count that is over, or a live one as it was when stopped (then a start with the same input goes on). */
export interface CountResult {
  readonly job: string;
  readonly outcome: 'finished' | 'stopped';
  /** Frames by how they ended (see FrameTally), `results` written. */
  readonly counts: Readonly<Record<string, number>>;
  readonly gaps: readonly CountGap[];
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** Null for one that was stopped: it is not recorded. */
  readonly codeVersion: string | null;
  /** This is the record of an earlier run. */
  readonly reused: boolean;
}

export interface RecordCountInput {
  readonly plan: CountPlan;
  readonly result: Omit<CountResult, 'codeVersion' | 'reused'>;
}

/** Answer of the query `countProgress`, from laps that have ended; a client adds what heartbeats say. */
export interface CountProgress {
  readonly job: string;
  readonly state: 'planning' | 'counting' | 'merging' | 'stopping' | 'finished';
  readonly plan: CountPlan | null;
  readonly reports: readonly CountReport[];
}

/** A count as it stands. */
export interface CountStatus {
  readonly job: string;
  /** `failed`, `cancelled` ... as Temporal says once it is over. */
  readonly state: CountProgress['state'] | 'stopped' | 'failed' | 'cancelled' | 'terminated' | 'unknown';
  readonly plan: CountPlan | null;
  readonly reports: readonly CountReport[];
  /** Offsets passed, and in all where the job is bounded. */
  readonly done: string;
  readonly total: string | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly framesPerSecond: number | null;
  readonly etaMs: number | null;
  /** What the last attempt of a part met, while it is tried again; what ended the job, once it has failed. */
  readonly fault: string | null;
}
