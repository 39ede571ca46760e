import { WireWriter, type WireReader } from './wire.js';
import type { KafkaRequest } from './requests.js';

/** A replica of the metadata log, voter or observer. Times are epoch ms by the leader's clock; -1: unknown. */
export interface QuorumReplica {
  readonly id: number;
  readonly logEndOffset: number;
  readonly lastFetchMs: number;
  /** When it last held all that the leader then had. */
  readonly lastCaughtUpMs: number;
}

export interface Quorum {
  readonly errorCode: number;
  /** -1: none is known. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly voters: readonly QuorumReplica[];
  readonly observers: readonly QuorumReplica[];
}

/** Of every KRaft cluster (KIP-595). */
const METADATA_TOPIC = '__cluster_metadata';

/**
 * The state of KRaft's quorum: DescribeQuorum (KIP-595, KIP-836), version 1, which Kafka 3.3 to 4.x accept. Its encoding is
 * flexible (KIP-482): the first byte of the body ends the header's tagged fields.
 */
export function describeQuorumRequest(): KafkaRequest<Quorum> {
  const body = new WireWriter()
    .uvarint(0)
    .uvarint(2) // one topic
    .compactString(METADATA_TOPIC)
    .uvarint(2) // one partition
    .int32(0)
    .uvarint(0)
    .uvarint(0)
    .uvarint(0);
  return { apiKey: 55, apiVersion: 1, apiName: 'DescribeQuorum', body: body.finish(), decode };
}

function decode(reader: WireReader): Quorum {
  reader.skipTags(); // the flexible response header
  const errorCode = reader.int16();
  const partitions = reader.compactArray(() => {
    reader.compactString(); // the topic
    const found = reader.compactArray(() => decodePartition(reader));
    reader.skipTags();
    return found;
  });
  const partition = partitions.flat()[0];
  const none = { leader: -1, leaderEpoch: -1, highWatermark: -1, voters: [], observers: [] };
  if (partition === undefined) return { errorCode, ...none };
  return { ...partition, errorCode: errorCode === 0 ? partition.errorCode : errorCode };
}

function decodePartition(reader: WireReader): Quorum {
  reader.int32(); // the partition: 0
  const quorum = {
    errorCode: reader.int16(),
    leader: reader.int32(),
    leaderEpoch: reader.int32(),
    highWatermark: reader.int64(),
    voters: reader.compactArray(() => decodeReplica(reader)),
    observers: reader.compactArray(() => decodeReplica(reader)),
  };
  reader.skipTags();
  return quorum;
}

function decodeReplica(reader: WireReader): QuorumReplica {
  const replica = {
    id: reader.int32(),
    logEndOffset: reader.int64(),
    lastFetchMs: reader.int64(),
    lastCaughtUpMs: reader.int64(),
  };
  reader.skipTags();
  return replica;
}
