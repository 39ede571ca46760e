import type { Compression } from '../../stream/compression.js';
import type { KafkaConnection } from '../../stream/kafka-connection.js';
import { check } from '../../stream/kafka-errors.js';
import { NO_PRODUCER, RecordBatchBuilder, type OutputRecord } from '../../stream/record-batch-builder.js';
import { produceRequest } from '../../stream/requests.js';

/** Below the default `message.max.bytes` of 1 MiB, compressed or not. The broker has half as much work with these as with batches of 256 kB. */
const MOST_BATCH_BYTES = 1_000_000;
/** Readers commit between batches, so that one of very many small records is a long step for them. */
const MOST_BATCH_RECORDS = 8_000;
/** What a record takes besides key, value and headers, at most: lengths and deltas. */
const RECORD_OVERHEAD_BYTES = 64;
const MOST_VARINT_BYTES = 5;
/** Batches of a partition that are compressed or on their way: while the broker works on one, the next are made. */
const MOST_UNDER_WAY = 4;
/** The same of all partitions together, but that each may have one. */
const MOST_UNDER_WAY_IN_ALL = 16;
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
 * those of different ones overlap. After a fault no further batch is sent, and every call throws it.
 */
export class TopicWriter {
  readonly #connection: KafkaConnection;
  readonly #topic: string;
  readonly #compression: Compression;
  readonly #lanes: readonly Lane[];
  readonly #mostUnderWay: number;
  #fault: Error | undefined;

  private constructor(
    connection: KafkaConnection,
    topic: string,
    partitions: number,
    compression: Compression,
  ) {
    this.#connection = connection;
    this.#topic = topic;
    this.#compression = compression;
    this.#mostUnderWay = Math.max(
      1,
      Math.min(MOST_UNDER_WAY, Math.floor(MOST_UNDER_WAY_IN_ALL / partitions)),
    );
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

  /**
   * Adds a record, behind those added before it. @returns undefined when its bytes are used up, and nothing has to be waited for; where
   * the batch was full a promise of that.
   */
  add(partition: number, record: OutputRecord): Promise<void> | undefined {
    this.#check();
    const lane = this.#lanes[partition]!;
    if (isFull(lane.filling, contentBytes(record))) {
      return this.#send(lane, partition).then(() => lane.filling.append(record));
    }
    lane.filling.append(record);
    return undefined;
  }

  /** The same with a record that is nothing but a value, `bytes[start, end)`. */
  addValue(
    partition: number,
    timestampMs: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): Promise<void> | undefined {
    this.#check();
    const lane = this.#lanes[partition]!;
    if (isFull(lane.filling, end - start)) {
      return this.#send(lane, partition).then(() => lane.filling.appendValue(timestampMs, bytes, start, end));
    }
    lane.filling.appendValue(timestampMs, bytes, start, end);
    return undefined;
  }

  /** Resolves when the brokers have everything. */
  async flush(): Promise<void> {
    for (const [partition, lane] of this.#lanes.entries()) await this.#send(lane, partition);
    for (const { underWay } of this.#lanes) {
      for (const { acknowledged } of [...underWay]) await acknowledged;
    }
    this.#check();
  }

  /** Sends what was added to the partition, once there is room for one more batch under way. */
  async #send(lane: Lane, partition: number): Promise<void> {
    this.#check();
    if (lane.filling.count === 0) return;
    let spare: RecordBatchBuilder | undefined;
    if (lane.underWay.length >= this.#mostUnderWay) {
      const oldest = lane.underWay.shift()!;
      await oldest.acknowledged;
      this.#check();
      spare = oldest.builder;
      spare.reset();
    }
    const builder = lane.filling;
    lane.filling = spare ?? new RecordBatchBuilder();
    const sealed = builder.sealAside(NO_PRODUCER, this.#compression);
    const sending = Promise.all([sealed, lane.sent]).then(([batch]) => this.#produce(partition, batch));
    lane.sent = sending.catch(() => undefined);
    // Never rejects: the first fault is said by whoever is called next.
    const acknowledged = sending
      .then((answered) => answered())
      .catch((fault: unknown) => void (this.#fault ??= fault as Error));
    lane.underWay.push({ builder, acknowledged });
  }

  #check(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Sends a batch. Returns, once it is on its way, how to wait for the broker's answer. */
  async #produce(partition: number, batch: Buffer): Promise<() => Promise<void>> {
    this.#check();
    const topic = this.#topic;
    const leader = await this.#connection.leader(topic, partition);
    const request = produceRequest(null, [{ topic, partition, batch }], REQUEST_TIMEOUT_MS);
    // Not tried again: whether a batch without an answer was written is unknown, and a record twice would be a wrong answer.
    const answer = this.#connection.send(leader, request);
    answer.catch(() => undefined); // said by who waits for it
    return async () => {
      for (const { errorCode } of await answer) {
        check(errorCode, `writing to ${topic}-${partition}`, { topic, partition });
      }
    };
  }
}

const isFull = (batch: RecordBatchBuilder, moreBytes: number): boolean =>
  batch.count === MOST_BATCH_RECORDS ||
  (batch.count > 0 && batch.sizeBytes + moreBytes + RECORD_OVERHEAD_BYTES > MOST_BATCH_BYTES);

function contentBytes({ key, value, headers = [] }: OutputRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) {
    bytes += Buffer.byteLength(header.name) + (header.value?.length ?? 0) + 2 * MOST_VARINT_BYTES;
  }
  return bytes;
}
