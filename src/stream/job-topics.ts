import type { Admin } from 'kafkajs';
import { PipelineError } from '../core/errors.js';
import type { JobRange, JobSpec, JobTopic } from '../messages.js';
import type { KafkaConnection } from './kafka-connection.js';
import { offsetsAtTime, type FrozenPartition } from './log-positions.js';
import { createMissing, topicAtWork } from './make-topic.js';

export interface JobPlanDeps {
  readonly kafka: KafkaConnection;
  readonly admin: Pick<Admin, 'listTopics' | 'createTopics'>;
  readonly now: () => number;
}

const DAY_MS = 24 * 3_600_000;

/** Results by key: the newest of each is kept for ever. */
export const COMPACTED = { 'cleanup.policy': 'compact' } as const;
/**
 * What slices tell a merge stage: kept for a week, so that one that was stopped for longer finds a gap and says so; `compact`
 * as well where the newest of a key is all that it needs.
 */
export const partialsConfig = (
  cleanupPolicy: 'delete' | 'compact,delete',
): Readonly<Record<string, string>> => ({
  'cleanup.policy': cleanupPolicy,
  'retention.ms': String(7 * DAY_MS),
  'segment.bytes': String(64 * 1024 * 1024),
  'segment.ms': String(3_600_000),
});

/** Asked once: a topic that is missing now is not waited for. @throws PipelineError `TOPIC_MISSING`. */
export async function requireTopic(kafka: KafkaConnection, topic: string, doing: string): Promise<void> {
  await kafka.topic(topic, true).catch((cause: unknown) => {
    if (!(cause instanceof PipelineError) || cause.code !== 'KAFKA_UNKNOWN_TOPIC_OR_PARTITION') throw cause;
    throw new PipelineError('TOPIC_MISSING', `${doing}, ${topic}, is not there`, { at: { topic }, cause });
  });
}

/** What a job reads of each partition, resolved once. */
export async function plannedRanges(
  kafka: KafkaConnection,
  { source, from = 'beginning', bounded = false, to }: JobSpec,
  partitions: readonly FrozenPartition[],
): Promise<JobRange[]> {
  const offsetsAt = async (at: unknown) =>
    typeof at === 'number' ? await offsetsAtTime(kafka, source, at) : undefined;
  const [starts, ends] = [await offsetsAt(from), await offsetsAt(to)];
  return partitions.map(({ partition, logStartOffset, lastStableOffset }) => {
    const first = from === 'beginning' ? logStartOffset : (starts?.get(partition) ?? lastStableOffset);
    const startOffset = Math.min(first, lastStableOffset);
    // Times of records need not grow with their offsets: the first one of the end may lie before that of the beginning.
    const endOffset = Math.max(
      Math.min(ends?.get(partition) ?? lastStableOffset, lastStableOffset),
      startOffset,
    );
    return {
      partition,
      startOffset: String(startOffset),
      endOffset: bounded || to !== undefined ? String(endOffset) : null,
    };
  });
}

/** The topic as it is, made if it is missing, once it can be written. */
export async function ensureTopic(
  { kafka, admin }: JobPlanDeps,
  topic: string,
  partitions: number,
  config: Readonly<Record<string, string>>,
): Promise<JobTopic> {
  await createMissing(admin, [{ topic, partitions, config }]);
  const found = await topicAtWork(kafka, topic);
  return { topic, topicId: found.topicId, partitions: found.partitions.length };
}
