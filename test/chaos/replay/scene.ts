import { Kafka, logLevel, type EachBatchPayload, type KafkaMessage, type Producer } from 'kafkajs';
import type { Config } from '../../../src/config.js';
import { CHECKPOINT_TOPIC } from '../../../src/stream/checkpoint-store.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { check } from '../../../src/stream/kafka-errors.js';
import { freeze } from '../../../src/stream/log-positions.js';
import { RecordBatchBuilder } from '../../../src/stream/record-batch-builder.js';
import { produceRequest } from '../../../src/stream/requests.js';
import type { Slice } from '../../../src/stream/run-slice.js';
import { waitUntil } from '../../../src/wait-until.js';
import { ABORTED, Checker, PARTITIONS, recordOf, type Comparison } from './records.js';

const BATCH_RECORDS = 5_000;

/** Topics A and B on a real broker (or two), A filled with generated records; one slice over all its partitions. */
export class Scene {
  readonly name: string;
  readonly kafka: Config['kafka'];
  /** The cluster of B and the checkpoints. */
  readonly target: Config['kafka'];
  readonly seed: number;
  readonly perPartition: number;
  readonly client: Kafka;
  slice!: Slice;
  sourceId = '';
  targetId = '';

  constructor(name: string, kafka: Config['kafka'], seed: number, records: number, target = kafka) {
    this.name = name;
    this.kafka = kafka;
    this.target = target;
    this.seed = seed;
    this.perPartition = records / PARTITIONS;
    this.client = kafkaOf(kafka);
  }

  get a(): string {
    return `${this.name}.a`;
  }
  get b(): string {
    return `${this.name}.b`;
  }

  async prepare(checkpointPartition = 0): Promise<void> {
    await createTopics(this.client, [[this.a, PARTITIONS]]);
    await createTopics(kafkaOf(this.target), [
      [this.b, PARTITIONS],
      [CHECKPOINT_TOPIC, 8],
    ]);
    await this.#fill();
    const connection = await KafkaConnection.open(this.kafka);
    const target = await KafkaConnection.open(this.target);
    try {
      const [a, b] = [await freeze(connection, this.a), await freeze(target, this.b)];
      [this.sourceId, this.targetId] = [a.topicId, b.topicId];
      this.slice = {
        transactionalId: `${this.name}/0`,
        place: { topic: CHECKPOINT_TOPIC, partition: checkpointPartition, slice: `${this.name}/0` },
        allowGaps: false,
        source: {
          topic: this.a,
          topicId: a.topicId,
          ranges: a.partitions.map(({ partition, logStartOffset, lastStableOffset }) => ({
            partition,
            startOffset: logStartOffset,
            endOffset: lastStableOffset,
          })),
        },
      };
    } finally {
      await Promise.all([connection.close(), target.close()]);
    }
  }

  /** Half of the records, an aborted transaction, the other half. */
  async #fill(): Promise<void> {
    const connection = await KafkaConnection.open(this.kafka);
    try {
      await this.#produce(connection, 0, this.perPartition / 2);
      await this.#abortedTransaction();
      await this.#decided(connection);
      await this.#produce(connection, this.perPartition / 2, this.perPartition);
    } finally {
      await connection.close();
    }
  }

  /** Markers are written after EndTxn was answered: the second half must not overtake them. */
  async #decided(connection: KafkaConnection): Promise<void> {
    const end = this.perPartition / 2 + ABORTED + 1;
    const isDecided = async (): Promise<boolean> => {
      const { partitions } = await freeze(connection, this.a);
      return partitions.every(({ lastStableOffset }) => lastStableOffset === end);
    };
    await waitUntil('the abort markers', isDecided, { timeoutMs: 30_000, everyMs: 20 });
  }

  async #produce(connection: KafkaConnection, from: number, to: number): Promise<void> {
    const builder = new RecordBatchBuilder();
    for (let start = from; start < to; start += BATCH_RECORDS) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        builder.reset();
        for (let index = start; index < Math.min(to, start + BATCH_RECORDS); index++) {
          const { key, value, timestampMs, headers } = recordOf(this.seed, partition, index);
          builder.append({
            timestampMs,
            key: key === null ? null : Buffer.from(key),
            value: value === null ? null : Buffer.from(value),
            headers: Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) })),
          });
        }
        const batch = { topic: this.a, partition, batch: Buffer.from(builder.seal()) };
        // Refused while the new topic has no leader yet: nothing was written, so asking again doubles nothing.
        await connection.whileMoving(async (fresh) => {
          const leader = await connection.leader(this.a, partition, fresh);
          const answers = await connection.send(leader, produceRequest(null, [batch], 30_000));
          for (const { errorCode } of answers) check(errorCode, `filling ${this.a}-${String(partition)}`);
        });
      }
    }
  }

  async #abortedTransaction(): Promise<void> {
    const producer = await openTransactionalProducer(this.client, `${this.name}-abort`);
    const transaction = await producer.transaction();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const messages = Array.from({ length: ABORTED }, () => ({ partition, value: 'aborted' }));
      await transaction.send({ topic: this.a, messages });
    }
    await transaction.abort();
    await producer.disconnect();
  }

  /** Reads B with kafkajs, read_committed, up to the ends it has now, and compares it with the exact answer. */
  async compare(): Promise<Comparison> {
    const checker = new Checker(this.seed, this.perPartition, this.sourceId);
    await readAll(kafkaOf(this.target), this.b, (partition, message) => {
      checker.take(partition, message);
    });
    return checker.result();
  }
}

export function kafkaOf({ brokers, tls, sasl }: Config['kafka']): Kafka {
  return new Kafka({
    brokers,
    ssl: tls,
    ...(sasl && { sasl: { mechanism: 'plain', username: sasl.user, password: sasl.password } }),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 10 },
  });
}

export async function createTopics(
  kafka: Kafka,
  topics: readonly (readonly [string, number])[],
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter(([topic]) => !existing.has(topic));
    await admin.createTopics({
      waitForLeaders: false,
      topics: missing.map(([topic, numPartitions]) => ({
        topic,
        numPartitions,
        configEntries: [{ name: 'retention.ms', value: '-1' }],
      })),
    });
  } finally {
    await admin.disconnect();
  }
}

export async function openTransactionalProducer(kafka: Kafka, transactionalId: string): Promise<Producer> {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: 60_000,
    retry: { initialRetryTime: 5, retries: 20 },
  });
  await producer.connect();
  return producer;
}

const SENTINEL = '\0end of topic\0';

/**
 * Everything committed in a topic, in order per partition: read by kafkajs, another reader than the one under test. A
 * sentinel record of this call marks each partition's end.
 */
export async function readAll(
  kafka: Kafka,
  topic: string,
  take: (partition: number, message: KafkaMessage) => void,
): Promise<void> {
  const nonce = `${String(process.pid)}-${String(performance.now())}`;
  const open = await writeSentinels(kafka, topic, nonce);
  const consumer = kafka.consumer({ groupId: `check-${topic}-${nonce}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      // It restarts by itself while the group coordinator loads.
      if (!payload.restart) reject(payload.error);
    });
    const last = new Map<number, bigint>();
    const eachBatch = ({ batch }: EachBatchPayload): Promise<void> => {
      for (const message of batch.messages) {
        const offset = BigInt(message.offset);
        if (offset <= (last.get(batch.partition) ?? -1n)) continue; // read again after a restart of the consumer
        last.set(batch.partition, offset);
        if (message.key?.toString() !== SENTINEL) take(batch.partition, message);
        else if (message.value?.toString() === nonce) open.delete(batch.partition);
      }
      if (open.size === 0) resolve();
      return Promise.resolve();
    };
    consumer.run({ autoCommit: false, eachBatch }).catch(reject);
  });
  await consumer.disconnect();
}

async function writeSentinels(kafka: Kafka, topic: string, nonce: string): Promise<Set<number>> {
  const producer = kafka.producer();
  await producer.connect();
  const admin = kafka.admin();
  await admin.connect();
  const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition }) => partition);
  await admin.disconnect();
  const messages = partitions.map((partition) => ({ partition, key: SENTINEL, value: nonce }));
  await producer.send({ topic, messages });
  await producer.disconnect();
  return new Set(partitions);
}
