import type { Admin } from 'kafkajs';
import type { KafkaConnection } from './kafka-connection.js';

/** Records of any age stay, whatever the broker's defaults are. */
const FOR_EVER: Readonly<Record<string, string>> = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.after.max.ms': '9223372036854775807',
};

/**
 * Makes a topic for historical data and waits until it can be written.
 * @returns false when it was there already; it stays as it is then.
 */
export async function makeTopic(
  admin: Pick<Admin, 'listTopics' | 'createTopics'>,
  connection: KafkaConnection,
  topic: string,
  partitions: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  if ((await admin.listTopics()).includes(topic)) return false;
  const config = { ...FOR_EVER, ...settings };
  await admin.createTopics({
    // kafkajs may throw UNKNOWN_TOPIC_OR_PARTITION while it waits for leaders of a topic it did create.
    waitForLeaders: false,
    topics: [
      {
        topic,
        numPartitions: partitions,
        replicationFactor: -1,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  await connection.whileMoving(async () => {
    for (const { partition } of (await connection.topic(topic, true)).partitions) {
      await connection.leader(topic, partition, true);
    }
  });
  return true;
}
