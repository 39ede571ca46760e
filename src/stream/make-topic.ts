import type { Admin } from 'kafkajs';
import type { KafkaConnection, Topic } from './kafka-connection.js';
import { listOffsets } from './list-offsets.js';
import { LATEST, READ_UNCOMMITTED } from './requests.js';

export interface WantedTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
  /** -1, the default: as many replicas as the cluster's own default says. */
  readonly replicationFactor?: number;
}

/** Records of any age stay, whatever the broker's defaults are. */
const FOR_EVER: Readonly<Record<string, string>> = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.after.max.ms': '9223372036854775807',
};

/**
 * Makes the topics that are missing; those that are there stay as they are. Who writes to one next awaits `topicAtWork`.
 * @returns the names of those that were missing.
 */
export async function createMissing(
  admin: Pick<Admin, 'listTopics' | 'createTopics'>,
  wanted: readonly WantedTopic[],
): Promise<string[]> {
  const existing = new Set(await admin.listTopics());
  const missing = wanted.filter(({ topic }) => !existing.has(topic));
  if (missing.length === 0) return [];
  await admin.createTopics({
    // kafkajs may throw UNKNOWN_TOPIC_OR_PARTITION while it waits for leaders of a topic it did create.
    waitForLeaders: false,
    topics: missing.map(({ topic, partitions, config, replicationFactor = -1 }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor,
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    })),
  });
  return missing.map(({ topic }) => topic);
}

/**
 * Waits until the leader of every partition answers for it. A broker names itself the leader of a new partition before it
 * has made the log, and refuses what is written until then (6, NOT_LEADER_OR_FOLLOWER): metadata alone does not tell.
 */
export async function topicAtWork(connection: KafkaConnection, name: string): Promise<Topic> {
  const topic = await connection.whileMoving(() => connection.topic(name, true));
  const partitions = topic.partitions.map(({ partition }) => partition);
  await listOffsets(connection, name, partitions, LATEST, READ_UNCOMMITTED);
  return topic;
}

/**
 * Makes a topic for historical data unless it is there, and waits until it can be written.
 * @returns false when it was there already; it stays as it is then.
 */
export async function makeTopic(
  admin: Pick<Admin, 'listTopics' | 'createTopics'>,
  connection: KafkaConnection,
  topic: string,
  partitions: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const made = await createMissing(admin, [{ topic, partitions, config: { ...FOR_EVER, ...settings } }]);
  await topicAtWork(connection, topic);
  return made.length > 0;
}
