import type { Admin } from 'kafkajs';
import { checkpointPartition } from '../../core/checkpoint-partition.js';
import { checkCount, dealOut } from '../../core/count-plan.js';
import { PipelineError } from '../../core/errors.js';
import { countJobId, countPartialsTopic } from '../../core/ids.js';
import { quarantineTopic, sketchesTopic } from '../../core/names.js';
import type { CountInput, CountPlan, CountRange, CountSpec, CountTopic } from '../../messages.js';
import { CHECKPOINT_TOPIC } from '../checkpoint-store.js';
import { ensureCheckpointTopic } from '../checkpoint-topic.js';
import { digestOf } from '../job-store.js';
import type { KafkaConnection } from '../kafka-connection.js';
import { freeze, offsetsAtTime, type FrozenPartition } from '../log-positions.js';

export interface CountPlanDeps {
  readonly kafka: KafkaConnection;
  readonly admin: Pick<Admin, 'listTopics' | 'createTopics'>;
  readonly now: () => number;
}

const DAY_MS = 24 * 3_600_000;
/** Milliseconds between results that are not final yet, unless the job says. */
const PROVISIONAL_MS = 5_000;

const COMPACTED = { 'cleanup.policy': 'compact' };
const QUARANTINE = { 'cleanup.policy': 'delete', 'retention.ms': String(30 * DAY_MS) };
/**
 * Cumulative states without deletions: the newest of a key is all the merge stage needs, so compaction loses nothing. A
 * merge stage that was stopped for longer than the retention finds a gap and says so.
 */
const PARTIALS = {
  'cleanup.policy': 'compact,delete',
  'retention.ms': String(7 * DAY_MS),
  'segment.bytes': String(64 * 1024 * 1024),
  'segment.ms': String(3_600_000),
};

/** What a job is about, without how it is run. */
export function countSpec(input: CountInput): CountSpec {
  const { source, target, from, bounded, tsField, idFields, strict, precision, latenessS, confirmFrames } =
    input;
  return {
    source,
    target,
    ...(from !== undefined && { from }),
    ...(bounded !== undefined && { bounded }),
    ...(tsField !== undefined && { tsField }),
    ...(idFields !== undefined && { idFields }),
    ...(strict !== undefined && { strict }),
    ...(precision !== undefined && { precision }),
    ...(latenessS !== undefined && { latenessS }),
    ...(confirmFrames !== undefined && { confirmFrames }),
  };
}

/**
 * Resolves once what a count will read, and makes the topics it writes.
 * @throws PipelineError `BAD_COUNT`, `TOPIC_MISSING`.
 */
export async function draftCountPlan(deps: CountPlanDeps, input: CountInput): Promise<CountPlan> {
  checkCount(input);
  const { kafka, admin } = deps;
  const spec = countSpec(input);
  await requireTopic(kafka, input);
  const frozen = await freeze(kafka, input.source);
  const slices = dealOut(await rangesOf(kafka, spec, frozen.partitions), input.slices ?? 1);
  await ensureCheckpointTopic(admin);
  const target = await ensureTopic(deps, input.target, 1, COMPACTED);
  const sketches = await ensureTopic(deps, sketchesTopic(input.target), 1, COMPACTED);
  const quarantine = await ensureTopic(deps, quarantineTopic(input.source), 1, QUARANTINE);
  const partials = await ensureTopic(deps, countPartialsTopic(input.job), slices.length, PARTIALS);
  const checkpoints = (await kafka.topic(CHECKPOINT_TOPIC, true)).partitions.length;
  const partOf = (part: number): number => checkpointPartition(countJobId(input.job), part, checkpoints);
  return {
    version: 1,
    job: input.job,
    digest: digestOf(spec),
    spec,
    plannedAtMs: deps.now(),
    requestedBy: input.requestedBy ?? '',
    provisionalMs: input.provisionalMs ?? PROVISIONAL_MS,
    allowGaps: input.allowGaps ?? false,
    source: { topic: input.source, topicId: frozen.topicId, partitions: frozen.partitions.length },
    target,
    sketches,
    quarantine,
    partials,
    slices: slices.map((ranges, index) => ({ index, ranges, checkpointPartition: partOf(index) })),
    mergeCheckpointPartition: partOf(slices.length),
  };
}

/** Asked once: a topic that is missing now is not waited for. @throws PipelineError `TOPIC_MISSING`. */
async function requireTopic(kafka: KafkaConnection, { job, source }: CountInput): Promise<void> {
  await kafka.topic(source, true).catch((cause: unknown) => {
    if (!(cause instanceof PipelineError) || cause.code !== 'KAFKA_UNKNOWN_TOPIC_OR_PARTITION') throw cause;
    const message = `planning count ${job}: the topic of frames, ${source}, is not there`;
    throw new PipelineError('TOPIC_MISSING', message, { at: { topic: source }, cause });
  });
}

async function rangesOf(
  kafka: KafkaConnection,
  { source, from = 'beginning', bounded = false }: CountSpec,
  partitions: readonly FrozenPartition[],
): Promise<CountRange[]> {
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

/** The topic as it is, made if it is missing. */
async function ensureTopic(
  { kafka, admin }: CountPlanDeps,
  topic: string,
  partitions: number,
  config: Readonly<Record<string, string>>,
): Promise<CountTopic> {
  if (!(await admin.listTopics()).includes(topic)) {
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
  }
  const found = await kafka.whileMoving(async () => {
    const known = await kafka.topic(topic, true);
    for (const { partition } of known.partitions) await kafka.leader(topic, partition);
    return known;
  });
  return { topic, topicId: found.topicId, partitions: found.partitions.length };
}
