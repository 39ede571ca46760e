import { checkpointPartition } from '../../core/checkpoint-partition.js';
import { PipelineError } from '../../core/errors.js';
import { redriveId } from '../../core/ids.js';
import { RedrivenOffsets } from '../../core/redriven.js';
import { CHECKPOINT_TOPIC, restore, type CheckpointPlace } from '../checkpoint-store.js';
import type { KafkaConnection } from '../kafka-connection.js';
import { freeze } from '../log-positions.js';
import type { ReadRange } from '../read-positions.js';
import { findTopic } from '../replay/target.js';

/** A topic of dead letters as it was at one moment. */
export interface DeadLetterTopic {
  readonly topic: string;
  readonly topicId: string;
  /** All that is committed. */
  readonly ranges: readonly (ReadRange & { readonly endOffset: number })[];
}

/** @throws PipelineError `TOPIC_MISSING`. */
export async function openDeadLetterTopic(kafka: KafkaConnection, topic: string): Promise<DeadLetterTopic> {
  if ((await findTopic(kafka, topic)) === undefined) throw missing(topic, 'dead letters');
  const { topicId, partitions } = await freeze(kafka, topic);
  return {
    topic,
    topicId,
    ranges: partitions.map(({ partition, logStartOffset, lastStableOffset }) => ({
      partition,
      startOffset: logStartOffset,
      endOffset: lastStableOffset,
    })),
  };
}

export const missing = (topic: string, what: string): PipelineError =>
  new PipelineError('TOPIC_MISSING', `opening the topic of ${what}, ${topic}: there is none`, {
    at: { topic },
  });

/** Where it is kept what was redriven. */
export async function redrivePlace(
  kafka: KafkaConnection,
  { topic, topicId }: Pick<DeadLetterTopic, 'topic' | 'topicId'>,
): Promise<CheckpointPlace> {
  const slice = redriveId(topic, topicId);
  const { partitions } = await kafka.whileMoving((fresh) => kafka.topic(CHECKPOINT_TOPIC, fresh));
  return {
    topic: CHECKPOINT_TOPIC,
    partition: checkpointPartition(slice, 0, partitions.length),
    slice,
  };
}

/** What was redriven so far: for eyes, as a redrive may be under way. */
export async function redrivenSoFar(
  kafka: KafkaConnection,
  topic: DeadLetterTopic,
): Promise<RedrivenOffsets> {
  const redriven = new RedrivenOffsets();
  // Before the first stream job there are no checkpoints.
  if ((await findTopic(kafka, CHECKPOINT_TOPIC)) === undefined) return redriven;
  redriven.restore((await restore(kafka, await redrivePlace(kafka, topic))).state);
  return redriven;
}
