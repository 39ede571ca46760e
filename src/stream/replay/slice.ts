import { PipelineError } from '../../core/errors.js';
import { replaySliceId } from '../../core/ids.js';
import { timeBounds } from '../../core/replay-target.js';
import type { ReplayLapInput, ReplayPlan, ReplaySliceReport } from '../../messages.js';
import type { Checkpoint } from '../checkpoint-schema.js';
import { CHECKPOINT_TOPIC } from '../checkpoint-store.js';
import type { KafkaConnection } from '../kafka-connection.js';
import { ReplayProcessor } from '../processors/replay.js';
import { DEFAULT_LIMITS, runSlice, type LapResult, type Slice, type SliceProgress } from '../run-slice.js';
import { findMissing } from './missing.js';
import { readRange } from './slice-ranges.js';
import { requireSameTopic } from './target.js';

export interface ReplayLapDeps {
  /** The cluster of B, and of the checkpoints. */
  readonly kafka: KafkaConnection;
  /** The cluster of A. */
  readonly source: KafkaConnection;
  readonly now: () => number;
  readonly report: (report: ReplaySliceReport) => void;
  readonly signal: AbortSignal;
}

/**
 * One lap of a slice of a replay; returns when the slice is at its end, after ten minutes, or when the signal aborts.
 * @throws PipelineError `TOPIC_MISSING`, `TOPIC_RECREATED`, `GAP`, `TARGET_LIMITS`, `FENCED`, or what the brokers said.
 */
export async function runReplayLap(deps: ReplayLapDeps, input: ReplayLapInput): Promise<ReplaySliceReport> {
  const { kafka, source, now, signal } = deps;
  const { plan, rate } = input;
  await requireSameTopic(source, plan.source);
  await requireSameTopic(kafka, plan.target);
  const isMissing = plan.spec.fill ? await findMissing({ kafka, source, signal }, plan) : undefined;
  const processor = new ReplayProcessor({
    job: plan.job,
    source: plan.source,
    target: plan.target,
    selection: plan.spec.selection,
    timestamps: plan.spec.timestamps ?? 'keep',
    now,
    ...(isMissing && { isMissing }),
    limits: {
      maxMessageBytes: plan.target.limits.maxMessageBytes,
      timeBounds: timeBounds(plan.target.limits, now()).filter(
        ({ setting }) => !plan.accept.includes(setting),
      ),
    },
  });
  const limits = {
    ...DEFAULT_LIMITS,
    ...(rate.recordsPerSecond !== undefined && { recordsPerSecond: rate.recordsPerSecond }),
    ...(rate.bytesPerSecond !== undefined && { bytesPerSecond: rate.bytesPerSecond }),
  };
  const reportOf = ({ checkpoint, lap }: SliceProgress): ReplaySliceReport =>
    sliceReport(input.slice, checkpoint, lap);
  const result = await runSlice(sliceOf(plan, input.slice, input.allowGaps), limits, {
    source,
    target: kafka,
    processor,
    now,
    report: (progress) => {
      deps.report(reportOf(progress));
    },
    signal,
  });
  return reportOf(result);
}

export function sliceOf(plan: ReplayPlan, index: number, allowGaps: boolean): Slice {
  const slice = plan.slices[index];
  if (slice === undefined) {
    throw new PipelineError('BAD_PLAN', `opening slice ${index} of replay ${plan.job}: the plan has none`);
  }
  const id = replaySliceId(plan.job, index);
  return {
    transactionalId: id,
    place: { topic: CHECKPOINT_TOPIC, partition: slice.checkpointPartition, slice: id },
    source: { ...plan.source, ranges: slice.ranges.map(readRange) },
    allowGaps,
    maxBatchBytes: plan.target.limits.maxMessageBytes,
  };
}

const sliceReport = (slice: number, checkpoint: Checkpoint, lap: LapResult['lap']): ReplaySliceReport => ({
  slice,
  finished: checkpoint.finished,
  next: checkpoint.next,
  counts: checkpoint.counts,
  gaps: checkpoint.gaps,
  lap,
});
