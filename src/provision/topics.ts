import type { Kafka } from 'kafkajs';
import { CDC_PARTITIONS, EVENTS_TOPIC, USERS_TOPIC } from '../core/names.js';

/**
 * Topics that the connectors write to, made before them so that partitions and retention are ours to say: bronze is the
 * archive, yet a year of changes must survive a long stop of ClickHouse. Existing topics stay as they are.
 */
export async function createCdcTopics(kafka: Kafka, replicationFactor = 1): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = [USERS_TOPIC, EVENTS_TOPIC].filter((topic) => !existing.has(topic));
    if (missing.length === 0) return;
    await admin.createTopics({
      // kafkajs may throw UNKNOWN_TOPIC_OR_PARTITION while it waits for leaders of a topic it did create.
      waitForLeaders: false,
      topics: missing.map((topic) => ({
        topic,
        numPartitions: CDC_PARTITIONS,
        replicationFactor,
        configEntries: [
          { name: 'cleanup.policy', value: 'delete' },
          { name: 'retention.ms', value: '-1' },
        ],
      })),
    });
  } finally {
    await admin.disconnect();
  }
}
