import type { Compression } from '../../stream/compression.js';
import type { KafkaConnection } from '../../stream/kafka-connection.js';
import { check } from '../../stream/kafka-errors.js';
import { NO_PRODUCER, RecordBatchBuilder, type OutputRecord } from '../../stream/record-batch-builder.js';
import { produceRequest } from '../../stream/requests.js';

/** Below the default `message.max.bytes` of 1 MiB, compressed or not. The broker has half as much work with these as with batches of 256 kB. */
const MOST_BATCH_BYTES = 1_000_000;
/** Room left in a batch, in records as large as the largest so far: nobody knows the next one. */
const SPARE_RECORDS = 4;
/** Batches of a partition that are compressed or on their way: while the broker works on one, the next are made. */
const MOST_UNDER_WAY = 4;
const REQUEST_TIMEOUT_MS = 30_000;

/** What goes to one partition. */
interface Lane {
  /** The batch that records are added to. */
  filling: RecordBatchBuilder;
  /** Oldest first. */
  readonly underWay: { readonly builder: RecordBatchBuilder; readonly acknowledged: Promise<void> }[];
  /** Resolves when the newest of them has been sent: they are sent in their order. */
  sent: Promise<unknown>;
}

/**
 * Writes records to partitions that the caller chooses, each once or not at all. Batches of one partition follow each other;
 * those of different ones overlap.
 */
export class TopicWriter {
  readonly #connection: KafkaConnection;
  readonly #topic: string;
  readonly #compression: Compression;
  readonly #lanes: readonly Lane[];
  #largestBytes = 0;

  private constructor(
    connection: KafkaConnection,
    topic: string,
    partitions: number,
    compression: Compression,
  ) {
    this.#connection = connection;
    this.#topic = topic;
    this.#compression = compression;
    this.#lanes = Array.from({ length: partitions }, () => ({
      filling: new RecordBatchBuilder(),
      underWay: [],
      sent: Promise.resolve(),
    }));
  }

  /** @throws PipelineError `KAFKA_UNKNOWN_TOPIC_OR_PARTITION` when there is no such topic. */
  static async open(
    connection: KafkaConnection,
    topic: string,
    compression: Compression = 'none',
  ): Promise<TopicWriter> {
    const { partitions } = await connection.topic(topic, true);
    return new TopicWriter(connection, topic, partitions.length, compression);
  }

  get partitions(): number {
    return this.#lanes.length;
  }

  /** Adds a record; its bytes are used up when this returns. @returns true when `send` should be called for the partition. */
  add(partition: number, record: OutputRecord): boolean {
    const { filling } = this.#lanes[partition]!;
    const before = filling.sizeBytes;
    filling.append(record);
    return this.#isFull(before, filling.sizeBytes);
  }

  /** The same of a record that is nothing but a value, `bytes[start, end)`. */
  addValue(partition: number, timestampMs: number, bytes: Buffer, start: number, end: number): boolean {
    const { filling } = this.#lanes[partition]!;
    const before = filling.sizeBytes;
    filling.appendValue(timestampMs, bytes, start, end);
    return this.#isFull(before, filling.sizeBytes);
  }

  #isFull(before: number, after: number): boolean {
    if (after - before > this.#largestBytes) this.#largestBytes = after - before;
    return after + SPARE_RECORDS * this.#largestBytes >= MOST_BATCH_BYTES;
  }

  /** Sends what was added to the partition, once there is room for one more batch under way. */
  async send(partition: number): Promise<void> {
    const lane = this.#lanes[partition]!;
    if (lane.filling.count === 0) return;
    let spare: RecordBatchBuilder | undefined;
    if (lane.underWay.length === MOST_UNDER_WAY) {
      const { builder, acknowledged } = lane.underWay.shift()!;
      await acknowledged;
      builder.reset();
      spare = builder;
    }
    const builder = lane.filling;
    lane.filling = spare ?? new RecordBatchBuilder();
    const sealed = builder.sealAside(NO_PRODUCER, this.#compression);
    const sending = lane.sent.then(async () => this.#produce(partition, await sealed));
    lane.sent = sending.catch(() => undefined);
    const acknowledged = sending.then((answered) => answered());
    // Thrown when it is awaited.
    acknowledged.catch(() => undefined);
    lane.underWay.push({ builder, acknowledged });
  }

  /** Resolves when the brokers have everything. */
  async flush(): Promise<void> {
    for (const partition of this.#lanes.keys()) await this.send(partition);
    await Promise.all(
      this.#lanes.flatMap(({ underWay }) => underWay.map(({ acknowledged }) => acknowledged)),
    );
  }

  /** Sends a batch. Returns, once it is on its way, how to wait for the broker's answer. */
  async #produce(partition: number, batch: Buffer): Promise<() => Promise<void>> {
    const topic = this.#topic;
    const leader = await this.#connection.leader(topic, partition);
    const request = produceRequest(null, [{ topic, partition, batch }], REQUEST_TIMEOUT_MS);
    // Not tried again: whether a batch without an answer was written is unknown, and a record twice would be a wrong answer.
    const answer = this.#connection.send(leader, request);
    answer.catch(() => undefined);
    return async () => {
      for (const { errorCode } of await answer) {
        check(errorCode, `writing to ${topic}-${partition}`, { topic, partition });
      }
    };
  }
}
