/**
 * The headers of a dead letter: a record that a stream job could not use, with its key, value and headers as they came and
 * these behind them. All values are UTF-8 text, so that any tool can read them.
 */
export const DEAD_LETTER_HEADERS = {
  reason: 'tidemark.reason',
  reasons: 'tidemark.reasons',
  stage: 'tidemark.stage',
  topic: 'tidemark.source.topic',
  topicId: 'tidemark.source.topic-id',
  partition: 'tidemark.source.partition',
  offset: 'tidemark.source.offset',
  timestamp: 'tidemark.source.timestamp',
  job: 'tidemark.job',
  attempt: 'tidemark.attempt',
  failedAt: 'tidemark.failed-at',
} as const;

/** Where a job gave a record up, in the order in which it goes through them. */
export const DEAD_LETTER_STAGES = ['read', 'parse', 'validate', 'transform', 'late'] as const;
export type DeadLetterStage = (typeof DEAD_LETTER_STAGES)[number];

export interface DeadLetter {
  readonly stage: DeadLetterStage;
  /** A code such as `MISSING_IP`: the first rule that failed. */
  readonly reason: string;
  /** Codes of all rules that failed, the first one included. */
  readonly reasons: readonly string[];
  /** Where the record was read; the timestamp is the record's own, epoch milliseconds, -1 where it was not kept. */
  readonly source: {
    readonly topic: string;
    /** 32 hex digits. */
    readonly topicId: string;
    readonly partition: number;
    readonly offset: number;
    readonly timestampMs: number;
  };
  readonly job: string;
  /** 0 when it came from the source; each time it is given up again it is one more. */
  readonly attempt: number;
  /** Epoch milliseconds, by the source's time: a job that does its work again writes the same. -1 where that was not kept. */
  readonly failedAtMs: number;
}

/** A record header; of several with one name the last counts (KIP-82). */
export interface DeadLetterHeader {
  readonly name: string;
  readonly value: Buffer | null;
}

/** Headers of the dead letter: those that the record came with, in their order, then ours. */
export function deadLetterHeaders(
  letter: DeadLetter,
  original: Iterable<DeadLetterHeader> = [],
): DeadLetterHeader[] {
  const { source } = letter;
  const texts: Record<keyof typeof DEAD_LETTER_HEADERS, string> = {
    reason: letter.reason,
    reasons: letter.reasons.join(','),
    stage: letter.stage,
    topic: source.topic,
    topicId: source.topicId,
    partition: String(source.partition),
    offset: String(source.offset),
    timestamp: String(source.timestampMs),
    job: letter.job,
    attempt: String(letter.attempt),
    failedAt: String(letter.failedAtMs),
  };
  const ours = Object.entries(texts).map(([field, text]) => ({
    name: DEAD_LETTER_HEADERS[field as keyof typeof texts],
    value: Buffer.from(text, 'utf8'),
  }));
  return [...original, ...ours];
}

/** Redriven more often than this, a record stays in the dead letters: something sends it round. */
export const MOST_ATTEMPTS = 3;

/** How often a record was redriven before it came here; 0 where it does not say. A job that gives it up writes it on. */
export function attemptOf(headers: Iterable<DeadLetterHeader>): number {
  let text: string | undefined;
  for (const { name, value } of headers) {
    if (name === DEAD_LETTER_HEADERS.attempt) text = value?.toString('utf8');
  }
  return wholeNumber(text) ?? 0;
}

export interface OpenedDeadLetter {
  readonly letter: DeadLetter;
  /** What the record came with, in its order. */
  readonly original: readonly DeadLetterHeader[];
}

/** Takes the headers apart again. Undefined when they are not a dead letter's: anybody may write to the topic. */
export function openDeadLetter(headers: Iterable<DeadLetterHeader>): OpenedDeadLetter | undefined {
  const all = [...headers];
  const lastAt = new Map(all.map(({ name }, index) => [name, index]));
  const ours = new Set<number>();
  const text = (field: keyof typeof DEAD_LETTER_HEADERS): string | undefined => {
    const index = lastAt.get(DEAD_LETTER_HEADERS[field]);
    if (index === undefined) return undefined;
    ours.add(index);
    return all[index]?.value?.toString('utf8');
  };
  const letter = letterOf(text);
  return letter && { letter, original: all.filter((_, index) => !ours.has(index)) };
}

function letterOf(
  text: (field: keyof typeof DEAD_LETTER_HEADERS) => string | undefined,
): DeadLetter | undefined {
  const [reason, reasons, topic, job] = [text('reason'), text('reasons'), text('topic'), text('job')];
  const stage = DEAD_LETTER_STAGES.find((known) => known === text('stage'));
  const topicId = text('topicId');
  const partition = wholeNumber(text('partition'));
  const offset = wholeNumber(text('offset'));
  const timestampMs = wholeNumber(text('timestamp'), -1);
  const attempt = wholeNumber(text('attempt'));
  const failedAtMs = wholeNumber(text('failedAt'), -1);
  if (!reason || reasons === undefined || !topic || job === undefined || stage === undefined)
    return undefined;
  if (topicId === undefined || !/^[0-9a-f]{32}$/.test(topicId)) return undefined;
  if (partition === undefined || offset === undefined || attempt === undefined) return undefined;
  if (timestampMs === undefined || failedAtMs === undefined) return undefined;
  return {
    stage,
    reason,
    reasons: reasons.split(','),
    source: { topic, topicId, partition, offset, timestampMs },
    job,
    attempt,
    failedAtMs,
  };
}

/** -1 is Kafka's "no timestamp". */
function wholeNumber(text: string | undefined, least = 0): number | undefined {
  if (text === undefined || !/^-?\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= least ? value : undefined;
}
