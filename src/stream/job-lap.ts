import type { JobPlan, JobReport } from '../messages.js';
import type { Checkpoint } from './checkpoint-schema.js';
import { CHECKPOINT_TOPIC } from './checkpoint-store.js';
import type { KafkaConnection } from './kafka-connection.js';
import { freeze } from './log-positions.js';
import type { ReadRange } from './read-positions.js';
import type { Processor } from './processor.js';
import { runSlice, type LapLimits, type SliceProgress } from './run-slice.js';

export interface JobLapDeps {
  readonly kafka: KafkaConnection;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** For eyes only: the truth is the checkpoint. */
  readonly report: (report: JobReport) => void;
}

/** The offsets a slice of a plan reads. */
export const rangesOf = ({ slices }: JobPlan, index: number): ReadRange[] =>
  slices[index]!.ranges.map(({ partition, startOffset, endOffset }) => ({
    partition,
    startOffset: Number(startOffset),
    ...(endOffset !== null && { endOffset: Number(endOffset) }),
  }));

/** All source partitions of a plan, of any slice. */
export const partitionsOf = ({ slices }: JobPlan): number[] =>
  slices.flatMap(({ ranges }) => ranges.map(({ partition }) => partition));

/**
 * Where what the slices report ends, by slice: to be asked once no slice adds to it any more. The high watermark, not the last
 * stable offset: the marker of the last commit is written after the commit was answered.
 */
export async function partialEnds(
  kafka: KafkaConnection,
  { partials }: Pick<JobPlan, 'partials'>,
): Promise<string[]> {
  const { partitions } = await freeze(kafka, partials.topic);
  return partitions.map(({ highWatermark }) => String(highWatermark));
}

/** One lap of a slice that owns `id` (transactional id and checkpoint key). @throws PipelineError as `runSlice`. */
export function sliceLap(
  deps: JobLapDeps,
  plan: JobPlan,
  { index, id }: { readonly index: number; readonly id: string },
  processor: Processor,
  limits: LapLimits,
): Promise<JobReport> {
  const { topic, topicId } = plan.source;
  return lap(
    deps,
    index,
    {
      transactionalId: id,
      place: { topic: CHECKPOINT_TOPIC, partition: plan.slices[index]!.checkpointPartition, slice: id },
      source: { topic, topicId, ranges: rangesOf(plan, index) },
      allowGaps: plan.allowGaps,
    },
    processor,
    limits,
  );
}

/**
 * One lap of a merge stage over what the slices report. With `ends`, by slice, it finishes there; without, it follows.
 * @throws PipelineError as `runSlice`.
 */
export function mergeLap(
  deps: JobLapDeps,
  plan: JobPlan,
  part: { readonly id: string; readonly ends: readonly string[] | null },
  processor: Processor,
  limits: LapLimits,
): Promise<JobReport> {
  const { id, ends } = part;
  const { topic, topicId } = plan.partials;
  const ranges = plan.slices.map(({ index }) => ({
    partition: index,
    startOffset: 0,
    ...(ends !== null && { endOffset: Number(ends[index]) }),
  }));
  return lap(
    deps,
    'merge',
    {
      transactionalId: id,
      place: { topic: CHECKPOINT_TOPIC, partition: plan.mergeCheckpointPartition, slice: id },
      source: { topic, topicId, ranges },
      allowGaps: plan.allowGaps,
    },
    processor,
    limits,
  );
}

async function lap(
  { kafka, now, signal, report }: JobLapDeps,
  part: JobReport['part'],
  slice: Parameters<typeof runSlice>[0],
  processor: Processor,
  limits: LapLimits,
): Promise<JobReport> {
  const result = await runSlice(slice, limits, {
    source: kafka,
    target: kafka,
    processor,
    now,
    signal,
    report: (progress) => report(reportOf(part, progress)),
  });
  return reportOf(part, result);
}

const reportOf = (
  part: JobReport['part'],
  { checkpoint, lap: done }: { readonly checkpoint: Checkpoint; readonly lap: SliceProgress['lap'] },
): JobReport => ({
  part,
  finished: checkpoint.finished,
  next: checkpoint.next,
  counts: checkpoint.counts,
  gaps: checkpoint.gaps,
  lap: done,
});
