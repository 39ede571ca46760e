import type { Admin, Kafka, KafkaMessage } from 'kafkajs';
import type { Config } from '../../src/config.js';
import { waitUntil } from '../../src/wait-until.js';
import { kafkaOf, readAll } from '../chaos/replay/scene.js';

export interface PlainRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly string[];
}

export type NewRecord = Partial<Omit<PlainRecord, 'offset' | 'headers'>> & {
  readonly headers?: Record<string, string>;
};

const BATCH_RECORDS = 50;

/** Topics of a real broker, written and read by kafkajs: another client than the one under test. */
export class Topics {
  readonly kafka: Kafka;
  readonly admin: Admin;

  private constructor(kafka: Kafka, admin: Admin) {
    this.kafka = kafka;
    this.admin = admin;
  }

  static async open(config: Config['kafka']): Promise<Topics> {
    const kafka = kafkaOf(config);
    const admin = kafka.admin();
    await admin.connect();
    return new Topics(kafka, admin);
  }

  close(): Promise<void> {
    return this.admin.disconnect();
  }

  /** A topic that keeps what it gets for ever, unless `config` says otherwise. */
  async create(topic: string, partitions = 1, config: Record<string, string> = {}): Promise<string> {
    const settings = { 'retention.ms': '-1', ...config };
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await this.admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions: partitions, configEntries }],
    });
    await waitUntil(
      `leaders of ${topic}`,
      async () => {
        try {
          const { topics } = await this.admin.fetchTopicMetadata({ topics: [topic] });
          return (
            topics[0]?.partitions.length === partitions && topics[0].partitions.every((p) => p.leader >= 0)
          );
        } catch {
          return false; // not known to the broker yet
        }
      },
      { timeoutMs: 20_000 },
    );
    return topic;
  }

  /** Deletes the records below the offset. By an admin of its own, which has looked the topic up before: kafkajs does not do so itself. */
  async truncate(topic: string, partition: number, offset: number): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    await admin.disconnect();
  }

  /** Each once, in order: by an idempotent producer, so that what kafkajs sends again is not there twice. */
  async write(topic: string, records: readonly NewRecord[]): Promise<void> {
    const producer = this.kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const messages = records.map(
      ({ partition = 0, key = null, value = null, timestampMs, headers = {} }) => ({
        partition,
        key,
        value,
        headers,
        ...(timestampMs !== undefined && { timestamp: String(timestampMs) }),
      }),
    );
    // Small batches, so that a replay has somewhere to stop.
    for (let at = 0; at < messages.length; at += BATCH_RECORDS) {
      await producer.send({ topic, messages: messages.slice(at, at + BATCH_RECORDS) });
    }
    await producer.disconnect();
  }

  /** Writes the first record of a partition once more, behind the others: with its headers, whatever they say. */
  async copyRecord(topic: string, partition: number): Promise<void> {
    let first: KafkaMessage | undefined;
    await readAll(this.kafka, topic, (of, message) => {
      if (of === partition) first ??= message;
    });
    if (first === undefined) throw new RangeError(`copying from an empty ${topic}`);
    const { key, value, headers, timestamp } = first;
    const producer = this.kafka.producer();
    await producer.connect();
    await producer.send({
      topic,
      messages: [{ partition, key, value, timestamp, ...(headers && { headers }) }],
    });
    await producer.disconnect();
  }

  /** Every committed record, by partition and offset. It writes a mark of its own at the end of every partition. */
  async read(topic: string): Promise<PlainRecord[]> {
    const found: PlainRecord[] = [];
    await readAll(this.kafka, topic, (partition, { offset, timestamp, key, value, headers }) => {
      found.push({
        partition,
        offset: Number(offset),
        timestampMs: Number(timestamp),
        key: key?.toString() ?? null,
        value: value?.toString() ?? null,
        headers: Object.keys(headers ?? {}),
      });
    });
    return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  }
}
