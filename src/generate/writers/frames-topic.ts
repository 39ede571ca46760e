import type { KafkaConnection } from '../../stream/kafka-connection.js';
import { check } from '../../stream/kafka-errors.js';
import { RecordBatchBuilder } from '../../stream/record-batch-builder.js';
import { produceRequest } from '../../stream/requests.js';

/** Far below the default `message.max.bytes` of 1 MiB, whatever the last frame adds. */
const BATCH_BYTES = 512 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const NEWLINE = 0x0a;

/**
 * Writes lines as records, the n-th line to partition n mod the number of partitions, so that a run is the same on every
 * machine. Batches of one partition follow each other; those of different ones overlap.
 */
export class FramesTopicWriter {
  readonly #connection: KafkaConnection;
  readonly #topic: string;
  readonly #now: () => number;
  readonly #builders: RecordBatchBuilder[] = [];
  readonly #sending: Promise<void>[] = [];
  #lines = 0;

  private constructor(connection: KafkaConnection, topic: string, partitions: number, now: () => number) {
    this.#connection = connection;
    this.#topic = topic;
    this.#now = now;
    for (let partition = 0; partition < partitions; partition++) {
      this.#builders.push(new RecordBatchBuilder());
      this.#sending.push(Promise.resolve());
    }
  }

  /** @throws PipelineError `KAFKA_UNKNOWN_TOPIC_OR_PARTITION` when there is no such topic. */
  static async open(
    connection: KafkaConnection,
    topic: string,
    now: () => number,
  ): Promise<FramesTopicWriter> {
    const { partitions } = await connection.topic(topic, true);
    return new FramesTopicWriter(connection, topic, partitions.length, now);
  }

  /** Writes whole lines; their bytes are used up when this resolves. */
  async write(lines: Buffer): Promise<void> {
    const timestampMs = this.#now();
    for (let start = 0, end = lines.indexOf(NEWLINE); end >= 0; end = lines.indexOf(NEWLINE, start)) {
      const partition = this.#lines++ % this.#builders.length;
      const builder = this.#builders[partition]!;
      builder.append({ timestampMs, key: null, value: lines.subarray(start, end) });
      if (builder.sizeBytes >= BATCH_BYTES) await this.#send(partition);
      start = end + 1;
    }
  }

  /** Resolves when the brokers have everything. */
  async finish(): Promise<void> {
    for (const [partition, builder] of this.#builders.entries()) {
      if (builder.count > 0) await this.#send(partition);
    }
    await Promise.all(this.#sending);
  }

  /** One batch per partition under way: its predecessor must be acknowledged first. */
  async #send(partition: number): Promise<void> {
    await this.#sending[partition];
    const builder = this.#builders[partition]!;
    // A copy: the builder goes on.
    const batch = Buffer.from(builder.seal());
    builder.reset();
    const sending = this.#produce(partition, batch);
    // Thrown when it is awaited.
    sending.catch(() => undefined);
    this.#sending[partition] = sending;
  }

  async #produce(partition: number, batch: Buffer): Promise<void> {
    const topic = this.#topic;
    const leader = await this.#connection.leader(topic, partition);
    const request = produceRequest(null, [{ topic, partition, batch }], REQUEST_TIMEOUT_MS);
    // Not tried again: whether a batch without an answer was written is unknown, and a frame twice would be a wrong answer.
    for (const { errorCode } of await this.#connection.send(leader, request)) {
      check(errorCode, `writing frames to ${topic}-${partition}`, { topic, partition });
    }
  }
}
