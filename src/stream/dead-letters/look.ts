import { openDeadLetter, type DeadLetter } from '../../core/dead-letter.js';
import { PipelineError } from '../../core/errors.js';
import type { Remedy } from '../../core/redrive.js';
import type { DeadLetterGroup, DeadLetterList, ShownBytes, ShownDeadLetter } from '../../messages.js';
import type { KafkaConnection } from '../kafka-connection.js';
import type { RecordCursor } from '../record-batch.js';
import { eachRecord } from '../replay/scan.js';
import { openDeadLetterTopic, redrivenSoFar } from './topic.js';

/** Places that a group names: enough to look at some. */
const SAMPLES = 3;

/** Counts the letters of a topic by source, job, stage and reason, most first. @throws PipelineError `TOPIC_MISSING`. */
export async function listDeadLetters(kafka: KafkaConnection, topic: string): Promise<DeadLetterList> {
  const opened = await openDeadLetterTopic(kafka, topic);
  const redriven = await redrivenSoFar(kafka, opened);
  const groups = new Map<string, DeadLetterGroup>();
  let letters = 0;
  let foreign = 0;
  await eachRecord(kafka, {}, opened, opened.ranges, (partition, cursor) => {
    const letter = openDeadLetter(cursor.headers())?.letter;
    if (letter === undefined) {
      foreign++;
      return;
    }
    letters++;
    const key = JSON.stringify([letter.source.topic, letter.job, letter.stage, letter.reason]);
    const isRedriven = redriven.has(partition, cursor.offset);
    groups.set(key, grown(groups.get(key), letter, `${partition}:${cursor.offset}`, isRedriven));
  });
  return { topic, letters, foreign, groups: [...groups.values()].sort((a, b) => b.letters - a.letters) };
}

function grown(
  group: DeadLetterGroup | undefined,
  { source, job, stage, reason }: DeadLetter,
  place: string,
  isRedriven: boolean,
): DeadLetterGroup {
  const { timestampMs } = source;
  const known = group ?? {
    ...{ source: source.topic, job, stage, reason },
    ...{ letters: 0, redriven: 0, fromMs: timestampMs, toMs: timestampMs, samples: [] },
  };
  return {
    ...known,
    letters: known.letters + 1,
    redriven: known.redriven + (isRedriven ? 1 : 0),
    fromMs: Math.min(known.fromMs, timestampMs),
    toMs: Math.max(known.toMs, timestampMs),
    samples: known.samples.length < SAMPLES ? [...known.samples, place] : known.samples,
  };
}

/** One letter, whole. @throws PipelineError `TOPIC_MISSING`, `NO_LETTER`. */
export async function showDeadLetter(
  kafka: KafkaConnection,
  at: { readonly topic: string; readonly partition: number; readonly offset: number },
  remedy: Remedy,
): Promise<ShownDeadLetter> {
  const { topic, partition, offset } = at;
  const opened = await openDeadLetterTopic(kafka, topic);
  const range = opened.ranges.find((own) => own.partition === partition);
  let shown: Omit<ShownDeadLetter, 'isRedriven'> | undefined;
  if (range !== undefined && offset >= range.startOffset && offset < range.endOffset) {
    const one = [{ partition, startOffset: offset, endOffset: offset + 1 }];
    await eachRecord(kafka, {}, opened, one, (_partition, cursor) => {
      shown = shownLetter(topic, partition, cursor, remedy);
    });
  }
  if (shown === undefined) {
    const message = `reading ${topic} at ${partition}:${offset}: no dead letter is there`;
    throw new PipelineError('NO_LETTER', message, { at: { topic, partition, offset: String(offset) } });
  }
  return { ...shown, isRedriven: (await redrivenSoFar(kafka, opened)).has(partition, offset) };
}

function shownLetter(
  topic: string,
  partition: number,
  cursor: RecordCursor,
  remedy: Remedy,
): Omit<ShownDeadLetter, 'isRedriven'> | undefined {
  const opened = openDeadLetter(cursor.headers());
  if (opened === undefined) return undefined;
  const { stage, reason, reasons, source, job, attempt, failedAtMs } = opened.letter;
  const today = remedy(cursor.value(), opened);
  return {
    topic,
    partition,
    offset: String(cursor.offset),
    stage,
    reason,
    reasons,
    source: {
      topic: source.topic,
      partition: source.partition,
      offset: String(source.offset),
      timestampMs: source.timestampMs,
    },
    job,
    attempt,
    failedAtMs,
    key: shownBytes(cursor.key()),
    value: shownBytes(cursor.value()),
    headers: opened.original.map(({ name, value }) => ({ name, value: shownBytes(value) })),
    today: today.outcome === 'clean' ? 'clean' : today.reason,
  };
}

function shownBytes(bytes: Buffer | null): ShownBytes | null {
  if (bytes === null) return null;
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') };
}
