import type { KafkaConnection } from '../../stream/kafka-connection.js';
import { check } from '../../stream/kafka-errors.js';
import { RecordBatchBuilder, type OutputRecord } from '../../stream/record-batch-builder.js';
import { produceRequest } from '../../stream/requests.js';

/** Far below the default `message.max.bytes` of 1 MiB, whatever the last record adds. */
const BATCH_BYTES = 512 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Writes records to partitions that the caller chooses, each once or not at all. Batches of one partition follow each other;
 * those of different ones overlap.
 */
export class TopicWriter {
  readonly #connection: KafkaConnection;
  readonly #topic: string;
  readonly #builders: RecordBatchBuilder[] = [];
  /** What was in the batch under way: free once that is acknowledged. */
  readonly #sent: RecordBatchBuilder[] = [];
  readonly #sending: Promise<void>[] = [];

  private constructor(connection: KafkaConnection, topic: string, partitions: number) {
    this.#connection = connection;
    this.#topic = topic;
    for (let partition = 0; partition < partitions; partition++) {
      this.#builders.push(new RecordBatchBuilder());
      this.#sent.push(new RecordBatchBuilder());
      this.#sending.push(Promise.resolve());
    }
  }

  /** @throws PipelineError `KAFKA_UNKNOWN_TOPIC_OR_PARTITION` when there is no such topic. */
  static async open(connection: KafkaConnection, topic: string): Promise<TopicWriter> {
    const { partitions } = await connection.topic(topic, true);
    return new TopicWriter(connection, topic, partitions.length);
  }

  get partitions(): number {
    return this.#builders.length;
  }

  /** Adds a record; its bytes are used up when this returns. @returns true when `send` should be called for the partition. */
  add(partition: number, record: OutputRecord): boolean {
    const builder = this.#builders[partition]!;
    builder.append(record);
    return builder.sizeBytes >= BATCH_BYTES;
  }

  /** Sends what was added to the partition; one batch is under way: its predecessor must be acknowledged first. */
  async send(partition: number): Promise<void> {
    await this.#sending[partition];
    const builder = this.#builders[partition]!;
    if (builder.count === 0) return;
    const next = this.#sent[partition]!;
    next.reset();
    this.#builders[partition] = next;
    this.#sent[partition] = builder;
    const sending = this.#produce(partition, builder.seal());
    // Thrown when it is awaited.
    sending.catch(() => undefined);
    this.#sending[partition] = sending;
  }

  /** Resolves when the brokers have everything. */
  async flush(): Promise<void> {
    for (const partition of this.#builders.keys()) await this.send(partition);
    await Promise.all(this.#sending);
  }

  async #produce(partition: number, batch: Buffer): Promise<void> {
    const topic = this.#topic;
    const leader = await this.#connection.leader(topic, partition);
    const request = produceRequest(null, [{ topic, partition, batch }], REQUEST_TIMEOUT_MS);
    // Not tried again: whether a batch without an answer was written is unknown, and a record twice would be a wrong answer.
    for (const { errorCode } of await this.#connection.send(leader, request)) {
      check(errorCode, `writing to ${topic}-${partition}`, { topic, partition });
    }
  }
}
