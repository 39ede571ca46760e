import type { Admin } from 'kafkajs';
import { CHECKPOINT_TOPIC } from './checkpoint-store.js';
import type { KafkaConnection, Topic } from './kafka-connection.js';
import { takesStates } from './record-sizes.js';
import { createMissing, topicAtWork } from './make-topic.js';

/** More than slices usually at work side by side: one that shares its partition waits for its neighbour when it restores. */
const CHECKPOINT_PARTITIONS = 16;

/**
 * Compacted soon and in small segments: restoring reads a whole partition, and must not grow with a job's age. The active
 * segment is never compacted, so its size and its age are what bounds a restore.
 */
const CONFIG: Readonly<Record<string, string>> = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(8 * 1024 * 1024),
  'segment.ms': String(10 * 60_000),
  'max.compaction.lag.ms': String(10 * 60_000),
  'min.cleanable.dirty.ratio': '0.1',
  // A job resumed after a long stop must still see that a state was removed: as long as any job may be stopped.
  'delete.retention.ms': String(7 * 24 * 3_600_000),
  ...takesStates(),
};

/** `tidemark.checkpoints`, made unless it is there, once it can be written. */
export async function ensureCheckpointTopic(
  admin: Pick<Admin, 'listTopics' | 'createTopics'>,
  kafka: KafkaConnection,
): Promise<Topic> {
  await createMissing(admin, [
    { topic: CHECKPOINT_TOPIC, partitions: CHECKPOINT_PARTITIONS, config: CONFIG },
  ]);
  return topicAtWork(kafka, CHECKPOINT_TOPIC);
}
