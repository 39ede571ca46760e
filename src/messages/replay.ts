import type { Selection } from '../core/filter.js';
import type { TargetLimits } from '../core/replay-target.js';

/** Offsets `[startOffset, endOffset)` of one partition, as decimal strings. */
export interface OffsetRange {
  readonly partition: number;
  readonly startOffset: string;
  readonly endOffset: string;
}

/** The parts of a range that somebody asks for: without a start the log's, without an end the frozen one. */
export interface AskedRange {
  readonly partition: number;
  readonly startOffset?: string;
  readonly endOffset?: string;
}

/** Together over all slices; absent means as fast as it goes. */
export interface ReplayRate {
  readonly recordsPerSecond?: number;
  readonly bytesPerSecond?: number;
}

/** What a replay does. Two inputs that agree in this are the same job. */
export interface ReplaySpec {
  /** Topic A. */
  readonly source: string;
  /** Where A lies when not on the pipeline's own cluster, as B does: a name under `clusters` of the configuration. */
  readonly sourceCluster?: string;
  /** Topic B. */
  readonly target: string;
  readonly selection: Selection;
  /** Only these partitions, or parts of them; default all of A. */
  readonly ranges?: readonly AskedRange[];
  /** `keep` (default) the records' timestamps, or stamp them with the instant of the copy. */
  readonly timestamps?: 'keep' | 'now';
  /** Copies only what B lacks. */
  readonly fill?: boolean;
}

export interface ReplayInput extends ReplaySpec {
  /** The job's name; its workflow is `replay/<job>`. */
  readonly job: string;
  /** Makes B like A, with unlimited retention, when it is missing. */
  readonly createTarget?: boolean;
  /** Settings of B whose effect on the copies is accepted, for example `retention.ms`. */
  readonly accept?: readonly string[];
  /** Goes on behind records that A has lost; they are in the result either way. */
  readonly allowGaps?: boolean;
  /** Ends well although the selection matches nothing. */
  readonly allowEmpty?: boolean;
  /** Into how many units the work is cut that may run side by side; default 1. */
  readonly slices?: number;
  readonly rate?: ReplayRate;
  /** Compares B with A afterwards; default true. */
  readonly verify?: boolean;
  readonly requestedBy?: string;
}

export interface PlannedSlice {
  readonly index: number;
  readonly ranges: readonly OffsetRange[];
  /** Its own partition of tidemark.checkpoints. */
  readonly checkpointPartition: number;
}

export interface PlannedTopic {
  readonly topic: string;
  /** Another one means: deleted and created again. */
  readonly topicId: string;
  readonly partitions: number;
}

/** Made once and never changed: every end in it is frozen. */
export interface ReplayPlan {
  readonly version: 1;
  readonly job: string;
  /** Of the spec: the same name with another digest is refused. */
  readonly digest: string;
  readonly spec: ReplaySpec;
  /** Settings of B whose effect was accepted. */
  readonly accept: readonly string[];
  readonly plannedAtMs: number;
  readonly requestedBy: string;
  readonly source: PlannedTopic;
  readonly target: PlannedTopic & {
    readonly limits: TargetLimits;
    /** Where B ended: the job's records lie at or above. */
    readonly ends: readonly OffsetRange[];
  };
  readonly slices: readonly PlannedSlice[];
  /** Records of transactions of A that were open when the ends were frozen: not part of the replay. */
  readonly undecided: readonly OffsetRange[];
  readonly warnings: readonly string[];
}

/** Where the planning of a job came to: its plan, new or as recorded, and the result if it has one. */
export interface PlannedReplay {
  readonly plan: ReplayPlan;
  readonly result: ReplayResult | null;
}

export interface ReplayLapInput {
  readonly plan: ReplayPlan;
  readonly slice: number;
  readonly allowGaps: boolean;
  readonly rate: ReplayRate;
}

export interface ReplayGap extends OffsetRange {
  readonly reason: string;
}

/** How far a slice is; also its heartbeat. Counts are since the slice began. */
export interface ReplaySliceReport {
  readonly slice: number;
  readonly finished: boolean;
  /** Next offset by partition. */
  readonly next: Readonly<Record<string, string>>;
  /** Records by verdict (`selected`, `outside`, `filtered`, `unreadable`, `undecided`, `looped`, `present`). */
  readonly counts: Readonly<Record<string, number>>;
  readonly gaps: readonly ReplayGap[];
  /** Records of this lap and how long it took. */
  readonly lap: { readonly records: number; readonly transactions: number; readonly elapsedMs: number };
}

export interface PartitionCheck {
  readonly partition: number;
  /** Records of the job that should be in this partition of B, and that are. */
  readonly expected: string;
  readonly found: string;
  /** Sums over the records' 128-bit hashes: order does not matter, how often a record occurs does. */
  readonly expectedDigest: string;
  readonly foundDigest: string;
}

export interface ReplayVerification {
  /** `inconclusive`: A or B have lost records since, so that there is nothing to compare with. */
  readonly verdict: 'passed' | 'failed' | 'inconclusive';
  readonly partitions: readonly PartitionCheck[];
  /** Records of B that stand behind one of the same source partition with a higher offset. */
  readonly outOfOrder: string;
  readonly gaps: readonly (ReplayGap & { readonly topic: string })[];
  readonly verifiedAtMs: number;
}

/** A finished replay; with its plan the evidence of what was done. */
export interface ReplayResult {
  readonly job: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly gaps: readonly ReplayGap[];
  readonly verification: ReplayVerification | null;
  readonly warnings: readonly string[];
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly codeVersion: string;
  /** This is the record of an earlier run. */
  readonly reused: boolean;
}

export interface RecordReplayInput {
  readonly plan: ReplayPlan;
  readonly result: Omit<ReplayResult, 'codeVersion' | 'reused'>;
}

export type ReplayState = 'planning' | 'running' | 'paused' | 'verifying' | 'finished';

/** Answer of the query `progress`, from laps that have ended; a client adds what heartbeats say. */
export interface ReplayProgress {
  readonly job: string;
  readonly state: ReplayState;
  readonly rate: ReplayRate;
  readonly slices: readonly PlannedSlice[];
  readonly reports: readonly ReplaySliceReport[];
  readonly warnings: readonly string[];
}

/** A replay as it stands. */
export interface ReplayStatus {
  readonly job: string;
  /** `failed`, `cancelled` ... as Temporal says once it is over. */
  readonly state: ReplayState | 'failed' | 'cancelled' | 'terminated' | 'unknown';
  readonly plan: ReplayPlan | null;
  readonly result: ReplayResult | null;
  readonly rate: ReplayRate;
  /** Offsets of A passed, and in all. */
  readonly done: string;
  readonly total: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly gaps: readonly ReplayGap[];
  readonly recordsPerSecond: number | null;
  /** Null when there is no rate to tell from. */
  readonly etaMs: number | null;
  /** What the last attempt of a slice met, while it is tried again; what ended the job, once it has failed. */
  readonly fault: string | null;
}

/** What a replay would do: nothing is written. */
export interface ReplayDryRun {
  readonly plan: ReplayPlan;
  /** By source partition. */
  readonly partitions: readonly {
    readonly partition: number;
    readonly counts: Readonly<Record<string, number>>;
  }[];
  readonly gaps: readonly ReplayGap[];
  /** Selected records whose key a Java producer would not have put where they are: A was expanded, or others placed them. */
  readonly misplacedKeys: string;
  readonly sample: readonly {
    readonly partition: number;
    readonly offset: string;
    readonly timestampMs: number;
    readonly key: string | null;
    readonly value: string | null;
  }[];
}

/** What B lacks of a selection of A. */
export interface ReplayLacks {
  readonly plan: ReplayPlan;
  /** Records of A that are selected, and those of them that B lacks. */
  readonly selected: string;
  readonly missing: string;
  /** Runs in all; `lacks` holds the first of them. */
  readonly runs: number;
  readonly lacks: readonly (OffsetRange & {
    readonly kind: 'gap' | 'hole' | 'expired';
    readonly records: string;
  })[];
}
