import type { Kafka } from 'kafkajs';
import {
  CDC_PARTITIONS,
  cleanTopic,
  COUNT_JOBS_TOPIC,
  deadLetterTopic,
  EVENTS_TOPIC,
  FRAMES_TOPIC,
  insightsTopic,
  LOGINS_TOPIC,
  quarantineTopic,
  sketchesTopic,
  UNIQUE_USERS_TOPIC,
  USERS_TOPIC,
} from '../core/names.js';
import { createMissing, type WantedTopic } from '../stream/make-topic.js';
import { letterBytes, takes } from '../stream/record-sizes.js';

/** Bronze is the archive, yet a year of changes must survive a long stop of ClickHouse. */
const KEPT = { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
const COMPACTED = { 'cleanup.policy': 'compact' };

/** Partitions of the topic of frames when Tidemark creates it: as many workers can share the counting. */
const FRAMES_PARTITIONS = 4;
/** Of logins likewise; what is clean stays in the partition that it came from. */
const LOGINS_PARTITIONS = 4;
/** What is refused takes a message of the usual largest size with our headers. */
const REFUSED = takes(letterBytes({ maxMessageBytes: 1_048_588 }));
/** Dead letters stay until somebody looks at them. */
const DEAD_LETTERS = { ...KEPT, ...REFUSED };

/** Topics of the pipeline, with the configuration that it relies on. */
export const TOPICS: readonly WantedTopic[] = [
  { topic: USERS_TOPIC, partitions: CDC_PARTITIONS, config: KEPT },
  { topic: EVENTS_TOPIC, partitions: CDC_PARTITIONS, config: KEPT },
  // Frames are many and large: how long they are kept is the broker's default to say.
  { topic: FRAMES_TOPIC, partitions: FRAMES_PARTITIONS, config: {} },
  { topic: quarantineTopic(FRAMES_TOPIC), partitions: 1, config: REFUSED },
  { topic: UNIQUE_USERS_TOPIC, partitions: 1, config: COMPACTED },
  { topic: sketchesTopic(UNIQUE_USERS_TOPIC), partitions: 1, config: COMPACTED },
  { topic: COUNT_JOBS_TOPIC, partitions: 1, config: COMPACTED },
  { topic: LOGINS_TOPIC, partitions: LOGINS_PARTITIONS, config: {} },
  { topic: cleanTopic(LOGINS_TOPIC), partitions: LOGINS_PARTITIONS, config: {} },
  { topic: deadLetterTopic(LOGINS_TOPIC), partitions: LOGINS_PARTITIONS, config: DEAD_LETTERS },
  { topic: insightsTopic(LOGINS_TOPIC), partitions: 1, config: COMPACTED },
];

/**
 * Topics that connectors write to or ClickHouse reads, made before them so that partitions and retention are ours to say.
 * Existing topics stay as they are.
 */
export async function createTopics(kafka: Kafka, replicationFactor = 1): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await createMissing(
      admin,
      TOPICS.map((wanted) => ({ ...wanted, replicationFactor })),
    );
  } finally {
    await admin.disconnect();
  }
}
