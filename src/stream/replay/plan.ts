import { PipelineError } from '../../core/errors.js';
import { checkpointPartition } from '../../core/checkpoint-partition.js';
import { boundRanges, checkAsked, cutSlices } from '../../core/replay-plan.js';
import { targetFaults } from '../../core/replay-target.js';
import type { OffsetRange, ReplayInput, ReplayPlan, ReplaySpec } from '../../messages.js';
import { ensureCheckpointTopic } from '../checkpoint-topic.js';
import { digestOf } from '../job-store.js';
import type { KafkaConnection } from '../kafka-connection.js';
import { freeze, offsetsAtTime, type FrozenTopic } from '../log-positions.js';
import { readLimits, type TopicAdmin } from '../topic-limits.js';
import { createTarget, findTopic } from './target.js';

export interface PlanDeps {
  /** The cluster of B, and of the checkpoints. */
  readonly kafka: KafkaConnection;
  readonly admin: TopicAdmin;
  /** The cluster of A. */
  readonly source: KafkaConnection;
  readonly sourceAdmin: TopicAdmin;
  readonly now: () => number;
}

/**
 * Freezes what a replay will read, and looks at everything that could make it fail or lose records: before it writes any.
 * @throws PipelineError `BAD_SELECTION`, `BAD_REPLAY`, `TOPIC_MISSING`, `TARGET_LIMITS`.
 */
export async function draftPlan(deps: PlanDeps, input: ReplayInput): Promise<ReplayPlan> {
  const { kafka, admin, sourceAdmin } = deps;
  const plannedAtMs = deps.now();
  checkAsked(input, plannedAtMs);
  const checkpoints = await ensureCheckpointTopic(admin, kafka);
  const found = await requireTopic(deps.source, input.source, 'topic A');
  const source = { topic: input.source, ...found };
  if (input.createTarget) {
    const { maxMessageBytes } = await readLimits(sourceAdmin, input.source);
    await createTarget(admin, kafka, input.target, { ...found, maxMessageBytes });
  }
  const target = await requireTopic(kafka, input.target, 'topic B (--create makes it)');
  const limits = await readLimits(admin, input.target);
  const spec = specOf(input);
  const { timestamps = 'keep', selection } = spec;
  const window = selection.timeField === undefined ? selection.window : undefined;
  const faults = targetFaults(limits, {
    timestamps,
    window,
    accept: input.accept ?? [],
    nowMs: plannedAtMs,
  });
  if (faults.length > 0) {
    const said = faults.map(({ setting, effect }) => `${setting} (${effect})`).join('; ');
    throw new PipelineError('TARGET_LIMITS', `planning replay ${input.job} into ${input.target}: ${said}`, {
      at: { topic: input.target },
    });
  }
  const frozen = await freeze(deps.source, input.source);
  const first = window && (await offsetsAtTime(deps.source, input.source, window.fromMs));
  const ranges = boundRanges(frozen.partitions, input.ranges, first);
  return {
    version: 1,
    job: input.job,
    digest: digestOf(spec),
    spec,
    accept: input.accept ?? [],
    plannedAtMs,
    requestedBy: input.requestedBy ?? '',
    source: { ...source, topicId: frozen.topicId },
    target: { topic: input.target, ...target, limits, ends: await endsOf(kafka, input.target) },
    slices: cutSlices(ranges, input.slices ?? 1).map((own, index) => ({
      index,
      ranges: own.map(asText),
      checkpointPartition: checkpointPartition(input.job, index, checkpoints.partitions.length),
    })),
    undecided: undecidedOf(frozen),
    warnings: warningsOf(input, plannedAtMs, source.partitions, target.partitions),
  };
}

/** What a job is about, without how it is run. */
export function specOf(input: ReplayInput): ReplaySpec {
  const { source, sourceCluster, target, selection, ranges, timestamps = 'keep', fill = false } = input;
  return {
    source,
    ...(sourceCluster !== undefined && { sourceCluster }),
    target,
    selection,
    ...(ranges && { ranges }),
    timestamps,
    fill,
  };
}

async function requireTopic(kafka: KafkaConnection, topic: string, role: string) {
  const found = await findTopic(kafka, topic);
  if (found !== undefined) return found;
  throw new PipelineError('TOPIC_MISSING', `planning a replay: ${role}, ${topic}, is not there`, {
    at: { topic },
  });
}

async function endsOf(kafka: KafkaConnection, topic: string): Promise<OffsetRange[]> {
  const { partitions } = await freeze(kafka, topic);
  return partitions.map(({ partition, logStartOffset, lastStableOffset }) =>
    asText({ partition, startOffset: logStartOffset, endOffset: lastStableOffset }),
  );
}

function undecidedOf({ partitions }: FrozenTopic): OffsetRange[] {
  return partitions
    .filter(({ lastStableOffset, highWatermark }) => lastStableOffset < highWatermark)
    .map(({ partition, lastStableOffset, highWatermark }) =>
      asText({ partition, startOffset: lastStableOffset, endOffset: highWatermark }),
    );
}

function warningsOf({ selection }: ReplayInput, nowMs: number, from: number, to: number): string[] {
  const warnings: string[] = [];
  if (selection.window && selection.window.toMs > nowMs) {
    warnings.push('the window is not over: records that arrive later are not part of this replay');
  }
  if (from !== to) {
    warnings.push(
      `A has ${from} partitions, B has ${to}: keys go where a Java producer would put them, order is kept per key`,
    );
  }
  return warnings;
}

const asText = (range: { partition: number; startOffset: number; endOffset: number }): OffsetRange => ({
  partition: range.partition,
  startOffset: String(range.startOffset),
  endOffset: String(range.endOffset),
});
