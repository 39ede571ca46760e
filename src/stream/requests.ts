import type { AbortedTransaction } from './fetched-batches.js';
import { WireWriter, type WireReader } from './wire.js';

/**
 * The requests this engine sends, each in one fixed version that Kafka 2.4 to 4.x accept
 * (https://kafka.apache.org/protocol#protocol_api_keys). Errors stay codes here: what they mean depends on who asked.
 */
export interface KafkaRequest<T> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  /** In pieces, see `WireWriter.finish`. */
  readonly body: readonly Buffer[];
  readonly decode: (response: WireReader) => T;
}

export const READ_COMMITTED = 1;
export const READ_UNCOMMITTED = 0;
/** ListOffsets' special timestamps: the next offset to be written (below the isolation level's limit), the first kept. */
export const LATEST = -1;
export const EARLIEST = -2;

export interface FetchTarget {
  readonly partition: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
}
export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly aborted: AbortedTransaction[];
  /** Record batches; a view into the response. */
  readonly bytes: Buffer;
}
export interface FetchResponse {
  readonly throttleMs: number;
  readonly errorCode: number;
  readonly partitions: FetchedPartition[];
}

export function fetchRequest(options: {
  topic: string;
  targets: readonly FetchTarget[];
  maxWaitMs: number;
  maxBytes: number;
  isolation: number;
}): KafkaRequest<FetchResponse> {
  const body = new WireWriter()
    .int32(-1) // replica id: a client
    .int32(options.maxWaitMs)
    .int32(1)
    .int32(options.maxBytes)
    .int8(options.isolation)
    .int32(0) // no fetch session
    .int32(-1)
    .int32(1)
    .string(options.topic);
  body.array(options.targets, (target) => {
    // No leader epoch and no log start offset: both are for followers and for checks made elsewhere.
    body.int32(target.partition).int32(-1).int64(target.fetchOffset).int64(-1).int32(target.maxBytes);
  });
  body.int32(0).string('');
  return { apiKey: 1, apiVersion: 11, apiName: 'Fetch', body: body.finish(), decode: decodeFetch };
}

function decodeFetch(reader: WireReader): FetchResponse {
  reader.throttle();
  const errorCode = reader.int16();
  reader.int32(); // session id
  const topics = reader.array(() => {
    reader.string();
    return reader.array(() => decodeFetchedPartition(reader));
  });
  return { throttleMs: reader.throttleMs, errorCode, partitions: topics.flat() };
}

function decodeFetchedPartition(reader: WireReader): FetchedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  const logStartOffset = reader.int64();
  const aborted = reader.array(() => ({ producerId: reader.bigint(), firstOffset: reader.int64() }));
  reader.int32(); // preferred read replica
  return {
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    aborted,
    bytes: reader.bytes(),
  };
}

export interface ListedOffset {
  readonly partition: number;
  readonly errorCode: number;
  readonly timestampMs: number;
  /** -1 when no record has that timestamp or a later one. */
  readonly offset: number;
}

export function listOffsetsRequest(
  topic: string,
  targets: readonly { partition: number; timestampMs: number }[],
  isolation: number,
): KafkaRequest<ListedOffset[]> {
  const body = new WireWriter().int32(-1).int8(isolation).int32(1).string(topic);
  body.array(targets, (target) => body.int32(target.partition).int64(target.timestampMs));
  return {
    apiKey: 2,
    apiVersion: 3,
    apiName: 'ListOffsets',
    body: body.finish(),
    decode: (reader) => {
      reader.throttle();
      return reader
        .array(() => {
          reader.string();
          return reader.array(() => ({
            partition: reader.int32(),
            errorCode: reader.int16(),
            timestampMs: reader.int64(),
            offset: reader.int64(),
          }));
        })
        .flat();
    },
  };
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly name: string;
  /** Changes when a topic is deleted and created again (KIP-516). */
  readonly topicId: string;
  readonly partitions: { errorCode: number; partition: number; leader: number; leaderEpoch: number }[];
}
export interface ClusterMetadata {
  readonly brokers: { nodeId: number; host: string; port: number }[];
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly topics: TopicMetadata[];
}

/** Version 12, the first with topic ids in both directions: a flexible version, so header and body end in tag buffers. */
export function metadataRequest(topics: readonly string[]): KafkaRequest<ClusterMetadata> {
  const body = new WireWriter().uvarint(0).uvarint(topics.length + 1);
  for (const topic of topics) body.raw(Buffer.alloc(16)).compactString(topic).uvarint(0);
  body.int8(0).int8(0).uvarint(0); // never create topics, no authorised operations
  return { apiKey: 3, apiVersion: 12, apiName: 'Metadata', body: body.finish(), decode: decodeMetadata };
}

function decodeMetadata(reader: WireReader): ClusterMetadata {
  reader.skipTags(); // the flexible response header
  reader.throttle();
  const brokers = reader.compactArray(() => {
    const broker = { nodeId: reader.int32(), host: reader.compactString() ?? '', port: reader.int32() };
    reader.compactString(); // rack
    reader.skipTags();
    return broker;
  });
  const clusterId = reader.compactString();
  const controllerId = reader.int32();
  const topics = reader.compactArray(() => decodeTopic(reader));
  return { brokers, clusterId, controllerId, topics };
}

function decodeTopic(reader: WireReader): TopicMetadata {
  const errorCode = reader.int16();
  const name = reader.compactString() ?? '';
  const topicId = reader.raw(16).toString('hex');
  reader.int8(); // internal
  const partitions = reader.compactArray(() => {
    const partition = {
      errorCode: reader.int16(),
      partition: reader.int32(),
      leader: reader.int32(),
      leaderEpoch: reader.int32(),
    };
    for (let list = 0; list < 3; list++) reader.compactArray(() => reader.int32()); // replicas, in sync, offline
    reader.skipTags();
    return partition;
  });
  reader.int32(); // authorised operations
  reader.skipTags();
  return { errorCode, name, topicId, partitions };
}

export interface Coordinator {
  readonly errorCode: number;
  readonly nodeId: number;
}

export function findTransactionCoordinatorRequest(transactionalId: string): KafkaRequest<Coordinator> {
  return {
    apiKey: 10,
    apiVersion: 2,
    apiName: 'FindCoordinator',
    body: new WireWriter().string(transactionalId).int8(1).finish(), // key type 1: transactions
    decode: (reader) => {
      reader.throttle();
      const errorCode = reader.int16();
      reader.string(); // error message
      return { errorCode, nodeId: reader.int32() };
    },
  };
}

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export function initProducerIdRequest(
  transactionalId: string,
  transactionTimeoutMs: number,
): KafkaRequest<ProducerIdentity & { errorCode: number }> {
  return {
    apiKey: 22,
    apiVersion: 1,
    apiName: 'InitProducerId',
    body: new WireWriter().string(transactionalId).int32(transactionTimeoutMs).finish(),
    decode: (reader) => {
      reader.throttle();
      return { errorCode: reader.int16(), producerId: reader.bigint(), producerEpoch: reader.int16() };
    },
  };
}

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}
export interface PartitionError {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}

export function addPartitionsToTxnRequest(
  transactionalId: string,
  producer: ProducerIdentity,
  topics: readonly TopicPartitions[],
): KafkaRequest<PartitionError[]> {
  const body = new WireWriter()
    .string(transactionalId)
    .int64(producer.producerId)
    .int16(producer.producerEpoch);
  body.array(topics, (item) => {
    body.string(item.topic).array(item.partitions, (partition) => body.int32(partition));
  });
  return {
    apiKey: 24,
    apiVersion: 1,
    apiName: 'AddPartitionsToTxn',
    body: body.finish(),
    decode: (reader) => {
      reader.throttle();
      return readPartitionErrors(reader, () => {
        /* nothing after the error code */
      });
    },
  };
}

function readPartitionErrors(reader: WireReader, rest: () => void): PartitionError[] {
  return reader
    .array(() => {
      const topic = reader.string() ?? '';
      return reader.array(() => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        rest();
        return { topic, partition, errorCode };
      });
    })
    .flat();
}

/** One batch for one partition: brokers refuse more than one (87, INVALID_RECORD). */
export interface ProducedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

export function produceRequest(
  transactionalId: string | null,
  batches: readonly ProducedBatch[],
  timeoutMs: number,
): KafkaRequest<PartitionError[]> {
  const byTopic = new Map<string, ProducedBatch[]>();
  for (const batch of batches) byTopic.set(batch.topic, [...(byTopic.get(batch.topic) ?? []), batch]);
  const body = new WireWriter().string(transactionalId).int16(-1).int32(timeoutMs); // acks: all in-sync replicas
  body.array([...byTopic], ([topic, items]) => {
    body.string(topic).array(items, (item) => body.int32(item.partition).bytes(item.batch));
  });
  return {
    apiKey: 0,
    apiVersion: 7,
    apiName: 'Produce',
    body: body.finish(),
    decode: (reader) => {
      const errors = readPartitionErrors(reader, () => {
        reader.raw(24); // base offset, append time, log start offset
      });
      reader.throttle();
      return errors;
    },
  };
}

export function endTxnRequest(
  transactionalId: string,
  producer: ProducerIdentity,
  commit: boolean,
): KafkaRequest<number> {
  return {
    apiKey: 26,
    apiVersion: 1,
    apiName: 'EndTxn',
    body: new WireWriter()
      .string(transactionalId)
      .int64(producer.producerId)
      .int16(producer.producerEpoch)
      .int8(commit ? 1 : 0)
      .finish(),
    decode: (reader) => {
      reader.throttle();
      return reader.int16();
    },
  };
}
