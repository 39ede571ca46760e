import {
  MOST_ATTEMPTS,
  openDeadLetter,
  type DeadLetterHeader,
  type OpenedDeadLetter,
} from './dead-letter.js';

/** What a job's rules of today make of a message that it once gave up; the same answer for the same bytes. */
export type Remedy = (value: Buffer | null, opened: OpenedDeadLetter) => RemedyVerdict;

export type RemedyVerdict =
  /** The record that the job would write. */
  | { readonly outcome: 'clean'; readonly key: Buffer | null; readonly value: Buffer }
  | { readonly outcome: 'dlq' | 'filtered'; readonly reason: string };

/** What is asked of the dead letters. */
export interface RedriveSelection {
  /** Only letters of this job. */
  readonly job?: string;
  /** Only letters with one of these reasons. */
  readonly reasons?: readonly string[];
  /** Also letters that were only too late: their rules look at other messages, and those have passed. */
  readonly acceptLate?: boolean;
}

/** What becomes of a record of a dead letter topic when it is redriven. */
export type RedriveVerdict =
  /** It passes today's rules, and is written. */
  | {
      readonly kind: 'passes';
      readonly opened: OpenedDeadLetter;
      readonly key: Buffer | null;
      readonly value: Buffer;
    }
  /** It would be given up again, or left out: it stays where it is. */
  | { readonly kind: 'failing' | 'filtered'; readonly opened: OpenedDeadLetter; readonly today: string }
  /** `done`: redriven before. `held`: redriven so often that something sends it round. `unselected`: not asked for. */
  | { readonly kind: 'done' | 'held' | 'unselected'; readonly opened: OpenedDeadLetter }
  /** Not a dead letter. */
  | { readonly kind: 'foreign' };

export type RedriveKind = RedriveVerdict['kind'];

export interface DeadRecord {
  readonly value: Buffer | null;
  readonly headers: Iterable<DeadLetterHeader>;
}

/** Decides on a record; `isDone` says whether it was redriven before. */
export function redriveVerdict(
  record: DeadRecord,
  remedy: Remedy,
  { job, reasons, acceptLate = false }: RedriveSelection,
  isDone: boolean,
): RedriveVerdict {
  const opened = openDeadLetter(record.headers);
  if (opened === undefined) return { kind: 'foreign' };
  const { letter } = opened;
  const isAskedFor = (reasons?.includes(letter.reason) ?? true) && (job === undefined || job === letter.job);
  if (!isAskedFor) return { kind: 'unselected', opened };
  if (isDone) return { kind: 'done', opened };
  if (letter.attempt >= MOST_ATTEMPTS) return { kind: 'held', opened };
  const verdict = remedy(record.value, opened);
  if (verdict.outcome !== 'clean') {
    const kind = verdict.outcome === 'dlq' ? 'failing' : 'filtered';
    return { kind, opened, today: verdict.reason };
  }
  if (letter.stage === 'late' && !acceptLate) return { kind: 'failing', opened, today: letter.reason };
  return { kind: 'passes', opened, key: verdict.key, value: verdict.value };
}

/**
 * How many records had each verdict, by the reason they are dead letters for, as flat counts: `passes/MISSING_IP`. What they
 * would fail with today is `today/INVALID_IP`.
 */
export class RedriveTally {
  readonly #counts: Record<string, number>;

  constructor(counts: Readonly<Record<string, number>> = {}) {
    this.#counts = { ...counts };
  }

  add(verdict: RedriveVerdict): void {
    const reason = verdict.kind === 'foreign' ? '' : verdict.opened.letter.reason;
    this.#raise(`${verdict.kind}/${reason}`);
    if (verdict.kind === 'failing' || verdict.kind === 'filtered') this.#raise(`today/${verdict.today}`);
  }

  get counts(): Record<string, number> {
    return { ...this.#counts };
  }

  #raise(name: string): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
  }
}
