import { readAll } from '../chaos/replay/scene.js';
import { DEAD_LETTER_HEADERS, deadLetterHeaders, type DeadLetter } from '../../src/core/dead-letter.js';
import { decodeProvenance, PROVENANCE_HEADER } from '../../src/core/provenance.js';
import type { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { TransactionalWriter } from '../../src/stream/transactional-writer.js';
import { decided } from './topic-records.js';
import type { Topics } from './topics.js';

export const SOURCE_ID = '00112233445566778899aabbccddeeff';

export interface WrittenLetter {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly letter: Pick<DeadLetter, 'stage' | 'reason'> & Partial<Pick<DeadLetter, 'attempt'>>;
  readonly partition: number;
  /** In the source. */
  readonly offset: number;
}

/** Writes dead letters of a job as the engine does: in one transaction. */
export async function writeLetters(
  kafka: KafkaConnection,
  topic: string,
  letters: readonly WrittenLetter[],
): Promise<void> {
  const writer = await TransactionalWriter.open(kafka, { transactionalId: `test/${topic}` });
  for (const { key, value, letter, partition, offset } of letters) {
    const source = {
      topic: 'user-login',
      topicId: SOURCE_ID,
      partition,
      offset,
      timestampMs: 1_000 + offset,
    };
    const whole = {
      attempt: 0,
      ...letter,
      reasons: [letter.reason],
      source,
      job: 'logins',
      failedAtMs: 2_000,
    };
    const headers = deadLetterHeaders(whole, [{ name: 'trace', value: Buffer.from(String(offset)) }]);
    writer.write(topic, partition, { timestampMs: 2_000, key, value, headers });
  }
  await writer.commit();
  await decided(kafka, topic);
}

/** A redriven record, as another client reads it. */
export interface RedrivenRecord {
  readonly partition: number;
  readonly key: string | null;
  readonly value: Record<string, unknown>;
  readonly timestampMs: number;
  /** `partition:offset` in the source, as its header says. */
  readonly origin: string;
  readonly headers: readonly string[];
  readonly attempt: string;
}

export async function readRedriven(topics: Topics, topic: string): Promise<RedrivenRecord[]> {
  const found: RedrivenRecord[] = [];
  await readAll(topics.kafka, topic, (partition, { key, value, timestamp, headers = {} }) => {
    const header = (name: string): Buffer => headers[name] as Buffer;
    const provenance = decodeProvenance(header(PROVENANCE_HEADER));
    if (provenance?.topicId !== SOURCE_ID || provenance.job !== 'logins')
      throw new Error('not the coordinates');
    found.push({
      partition,
      key: key?.toString() ?? null,
      value: JSON.parse(value!.toString()) as Record<string, unknown>,
      timestampMs: Number(timestamp),
      origin: `${provenance.partition}:${provenance.offset}`,
      headers: Object.keys(headers),
      attempt: header(DEAD_LETTER_HEADERS.attempt).toString(),
    });
  });
  return found;
}
