/** Messages of `tidemark dlq`: plain JSON, offsets as decimal strings, instants as epoch milliseconds. */

/** Letters that were given up by one job, in one stage, for one reason. */
export interface DeadLetterGroup {
  readonly source: string;
  readonly job: string;
  readonly stage: string;
  readonly reason: string;
  readonly letters: number;
  /** Of these: redriven already. */
  readonly redriven: number;
  /** Times of their records in the source, the first and the last; -1 where records have none. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Where some of them are in the topic, as `partition:offset`. */
  readonly samples: readonly string[];
}

export interface DeadLetterList {
  readonly topic: string;
  readonly letters: number;
  /** Records that are no dead letters. */
  readonly foreign: number;
  readonly groups: readonly DeadLetterGroup[];
}

/** Bytes as text where they are UTF-8, else in base64. */
export type ShownBytes = { readonly text: string } | { readonly base64: string };

export interface ShownDeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly stage: string;
  readonly reason: string;
  readonly reasons: readonly string[];
  readonly source: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: string;
    readonly timestampMs: number;
  };
  readonly job: string;
  readonly attempt: number;
  readonly failedAtMs: number;
  readonly key: ShownBytes | null;
  readonly value: ShownBytes | null;
  /** Headers that the record came with. */
  readonly headers: readonly { readonly name: string; readonly value: ShownBytes | null }[];
  readonly isRedriven: boolean;
  /** What today's rules make of it: `clean`, or the reason against it. */
  readonly today: string;
}

export interface RedriveInput {
  /** Topic of dead letters. */
  readonly topic: string;
  /** Where those that pass go; by default the topic `<source>.clean` of `<source>.dlq`. */
  readonly target?: string;
  /** Only letters of this job. */
  readonly job?: string;
  readonly reasons?: readonly string[];
  readonly acceptLate?: boolean;
}

/** Letters of one reason, by what becomes of them. */
export interface RedriveGroup {
  readonly reason: string;
  /** They pass today's rules: written by a redrive, and by a dry run not. */
  readonly passes: number;
  /** They do not pass, or would be left out, and stay. */
  readonly failing: number;
  readonly filtered: number;
  /** Redriven before. */
  readonly done: number;
  /** Redriven so often that something must be sending them round. */
  readonly held: number;
}

export interface RedriveReport {
  readonly topic: string;
  readonly target: string;
  readonly outcome: 'dry-run' | 'finished' | 'stopped';
  readonly read: number;
  readonly passes: number;
  readonly groups: readonly RedriveGroup[];
  /** What those that do not pass fail with today. */
  readonly today: Readonly<Record<string, number>>;
  readonly foreign: number;
  readonly unselected: number;
}
