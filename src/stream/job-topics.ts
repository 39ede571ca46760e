import type { Admin } from 'kafkajs';
import { PipelineError } from '../core/errors.js';
import type { JobRange, JobTopic } from '../messages.js';
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
  spec: { readonly source: string; readonly from?: 'beginning' | 'end' | number; readonly bounded?: boolean },
  partitions: readonly FrozenPartition[],
): Promise<JobRange[]> {
  const { source, from = 'beginning', bounded = false } = spec;
  const atTime = typeof from === 'number' ? await offsetsAtTime(kafka, source, from) : undefined;
  return partitions.map(({ partition, logStartOffset, lastStableOffset }) => {
    const first = from === 'beginning' ? logStartOffset : (atTime?.get(partition) ?? lastStableOffset);
    return {
      partition,
      startOffset: String(Math.min(first, lastStableOffset)),
      endOffset: bounded ? String(lastStableOffset) : null,
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
