import { PipelineError } from '../../core/errors.js';
import type { KafkaConnection } from '../kafka-connection.js';
import { makeTopic } from '../make-topic.js';
import type { TopicAdmin } from '../topic-limits.js';

/**
 * Makes B for historical data: as many partitions as A, records of any size A takes, no time limit.
 * @returns false when it was there already.
 */
export async function createTarget(
  admin: TopicAdmin,
  connection: KafkaConnection,
  topic: string,
  source: { readonly partitions: number; readonly maxMessageBytes: number },
): Promise<boolean> {
  // The provenance header comes on top of a record that may be as large as A allows.
  const settings = { 'max.message.bytes': String(source.maxMessageBytes + 1024) };
  return makeTopic(admin, connection, topic, source.partitions, settings);
}

/** @throws PipelineError `TOPIC_MISSING`, `TOPIC_RECREATED`: neither changes by waiting. */
export async function requireSameTopic(
  connection: KafkaConnection,
  { topic, topicId }: { readonly topic: string; readonly topicId: string },
): Promise<void> {
  const found = await findTopic(connection, topic);
  if (found === undefined) {
    throw new PipelineError('TOPIC_MISSING', `opening topic ${topic}: there is none`, { at: { topic } });
  }
  if (found.topicId === topicId) return;
  const message = `opening topic ${topic}: it was deleted and created again since the replay was planned`;
  throw new PipelineError('TOPIC_RECREATED', message, { at: { topic } });
}

/** A topic's id and partitions; undefined when the cluster does not know it. */
export async function findTopic(
  connection: KafkaConnection,
  topic: string,
): Promise<{ topicId: string; partitions: number } | undefined> {
  try {
    const { topicId, partitions } = await connection.topic(topic, true);
    return { topicId, partitions: partitions.length };
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'KAFKA_UNKNOWN_TOPIC_OR_PARTITION') return undefined;
    throw error;
  }
}
