import { countRules } from '../../core/count-plan.js';
import { countPartId } from '../../core/ids.js';
import type { CountPlan, CountReport } from '../../messages.js';
import { CHECKPOINT_TOPIC, type Checkpoint } from '../checkpoint-store.js';
import type { KafkaConnection } from '../kafka-connection.js';
import { UniquesMergeProcessor } from '../processors/uniques-merge.js';
import { UniquesProcessor } from '../processors/uniques.js';
import { DEFAULT_LIMITS, runSlice, type LapLimits, type Slice, type SliceProgress } from '../run-slice.js';
import type { Processor } from '../processor.js';

/** How long a partition of a live job must bring nothing before nobody waits for it. */
const IDLE_MS = 10_000;
/** Seconds of event time that one partition may be read ahead of another of its slice: what is open between them is memory. */
const MAX_SKEW_S = 6 * 3_600;
/** A commit writes every open window that changed, so it is worth many frames; by time, one a second. */
const LIMITS: LapLimits = { ...DEFAULT_LIMITS, commitRecords: 250_000 };

/** Counting a frame costs less than fetching one: fewer round trips, for four times as much memory, are worth it. */
const FETCH = { partitionBytes: 4 << 20, responseBytes: 8 << 20 } as const;

export interface CountLapDeps {
  readonly kafka: KafkaConnection;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** For eyes only: the truth is the checkpoint. */
  readonly report: (report: CountReport) => void;
}

/** One lap of a slice: frames to the states of windows. @throws PipelineError as `runSlice`. */
export async function countSliceLap(
  deps: CountLapDeps,
  plan: CountPlan,
  index: number,
  limits: Partial<LapLimits> = {},
): Promise<CountReport> {
  const { ranges, checkpointPartition } = plan.slices[index]!;
  const numbers = ranges.map(({ partition, startOffset, endOffset }) => ({
    partition,
    startOffset: Number(startOffset),
    ...(endOffset !== null && { endOffset: Number(endOffset) }),
  }));
  const processor = new UniquesProcessor({
    job: plan.job,
    source: plan.source.topic,
    partitions: numbers,
    rules: countRules(plan.spec),
    partials: { topic: plan.partials.topic, partition: index },
    quarantine: plan.quarantine,
    idleMs: IDLE_MS,
    maxSkewS: MAX_SKEW_S,
    now: deps.now,
  });
  const slice: Slice = {
    transactionalId: countPartId(plan.job, index),
    place: { topic: CHECKPOINT_TOPIC, partition: checkpointPartition, slice: countPartId(plan.job, index) },
    source: { topic: plan.source.topic, topicId: plan.source.topicId, ranges: numbers, fetch: FETCH },
    allowGaps: plan.allowGaps,
  };
  return lap(deps, index, slice, processor, limits);
}

/**
 * One lap of the merge stage: states of windows to results. With `ends`, by slice, it finishes there; without, it follows.
 * @throws PipelineError as `runSlice`.
 */
export async function countMergeLap(
  deps: CountLapDeps,
  plan: CountPlan,
  ends: readonly string[] | null,
  limits: Partial<LapLimits> = {},
): Promise<CountReport> {
  const processor = new UniquesMergeProcessor({
    job: plan.job,
    partitions: plan.slices.flatMap(({ ranges }) => ranges.map(({ partition }) => partition)),
    rules: countRules(plan.spec),
    target: plan.target,
    sketches: plan.sketches,
    provisionalMs: plan.provisionalMs,
    now: deps.now,
  });
  const id = countPartId(plan.job, 'merge');
  const slice: Slice = {
    transactionalId: id,
    place: { topic: CHECKPOINT_TOPIC, partition: plan.mergeCheckpointPartition, slice: id },
    source: {
      topic: plan.partials.topic,
      topicId: plan.partials.topicId,
      ranges: plan.slices.map(({ index }) => ({
        partition: index,
        startOffset: 0,
        ...(ends !== null && { endOffset: Number(ends[index]) }),
      })),
    },
    allowGaps: plan.allowGaps,
  };
  return lap(deps, 'merge', slice, processor, limits);
}

async function lap(
  deps: CountLapDeps,
  part: CountReport['part'],
  slice: Slice,
  processor: Processor,
  limits: Partial<LapLimits>,
): Promise<CountReport> {
  const { kafka, now, signal, report } = deps;
  const result = await runSlice(
    slice,
    { ...LIMITS, ...limits },
    {
      source: kafka,
      target: kafka,
      processor,
      now,
      signal,
      report: (progress) => report(reportOf(part, progress)),
    },
  );
  return reportOf(part, result);
}

const reportOf = (
  part: CountReport['part'],
  { checkpoint, lap: done }: { readonly checkpoint: Checkpoint; readonly lap: SliceProgress['lap'] },
): CountReport => ({
  part,
  finished: checkpoint.finished,
  next: checkpoint.next,
  counts: checkpoint.counts,
  gaps: checkpoint.gaps,
  lap: done,
});
