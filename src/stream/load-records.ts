import { PipelineError } from '../core/errors.js';
import { timeOf } from '../core/filter.js';
import { partitionOfKey } from '../core/murmur2.js';
import type { KafkaConnection } from './kafka-connection.js';
import { TransactionalWriter } from './transactional-writer.js';

export interface LoadOptions {
  readonly topic: string;
  /** Dotted path of the member that becomes the key; without it records have none. */
  readonly keyField?: string;
  /** Dotted path of the member that becomes the timestamp; without it, and where it is no time, the instant of loading. */
  readonly timeField?: string;
  readonly now: () => number;
}

export interface Loaded {
  readonly records: number;
  /** Records in which the asked key or time was not found. */
  readonly withoutKey: number;
  readonly withoutTime: number;
}

/** Records a transaction. */
const COMMIT_RECORDS = 10_000;

/**
 * Writes records, each as its JSON text, into a topic: where a Java producer would put its key, without one in turn. In
 * transactions: a load that is killed leaves a beginning of the file, never a part of a transaction.
 * @throws PipelineError `KAFKA_UNKNOWN_TOPIC_OR_PARTITION`, `BAD_JSON`.
 */
export async function loadRecords(
  kafka: KafkaConnection,
  records: AsyncIterable<Buffer>,
  options: LoadOptions,
): Promise<Loaded> {
  const { topic, keyField, timeField, now } = options;
  const partitions = (await kafka.topic(topic, true)).partitions.length;
  const writer = await TransactionalWriter.open(kafka, { transactionalId: `load/${topic}` });
  const nowMs = now();
  const loaded = { records: 0, withoutKey: 0, withoutTime: 0 };
  for await (const value of records) {
    const json = keyField === undefined && timeField === undefined ? undefined : parse(value);
    const key = keyField === undefined ? undefined : member(json, keyField);
    const timeMs = timeField === undefined ? undefined : timeOf(member(json, timeField));
    const keyBytes = typeof key === 'string' || typeof key === 'number' ? Buffer.from(String(key)) : null;
    if (keyField !== undefined && keyBytes === null) loaded.withoutKey++;
    if (timeField !== undefined && timeMs === undefined) loaded.withoutTime++;
    const partition = keyBytes === null ? loaded.records % partitions : partitionOfKey(keyBytes, partitions);
    writer.write(topic, partition, { timestampMs: timeMs ?? nowMs, key: keyBytes, value });
    if (++loaded.records % COMMIT_RECORDS === 0) await writer.commit();
  }
  await writer.commit();
  if (loaded.records === 0)
    throw new PipelineError('NOTHING_LOADED', `loading into ${topic}: the file holds no record`);
  return loaded;
}

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'));
  } catch {
    return undefined; // loaded as it is: what is not JSON has no members
  }
}

function member(json: unknown, path: string): unknown {
  let found: unknown = json;
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}
