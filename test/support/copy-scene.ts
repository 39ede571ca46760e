import { PipelineError } from '../../src/core/errors.js';
import type { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { ReplayProcessor } from '../../src/stream/processors/replay.js';
import {
  DEFAULT_LIMITS,
  runSlice,
  type LapLimits,
  type LapResult,
  type SliceProgress,
} from '../../src/stream/run-slice.js';
import { PARTITIONS, WINDOW } from '../chaos/replay/records.js';
import type { Scene } from '../chaos/replay/scene.js';

export interface CopyOptions {
  readonly limits?: Partial<LapLimits>;
  readonly report?: (progress: SliceProgress) => void;
  readonly signal?: AbortSignal;
}

/** One lap of a scene's slice in this process. */
export function copyLap(
  scene: Scene,
  source: KafkaConnection,
  target: KafkaConnection,
  { limits = {}, report = () => undefined, signal = new AbortController().signal }: CopyOptions = {},
): Promise<LapResult> {
  const processor = new ReplayProcessor({
    job: 'test',
    source: { topicId: scene.sourceId, partitions: PARTITIONS },
    target: { topic: scene.b, topicId: scene.targetId, partitions: PARTITIONS },
    selection: { window: WINDOW },
    timestamps: 'keep',
    now: Date.now,
  });
  const deps = { source, target, processor, now: Date.now, report, signal };
  return runSlice(scene.slice, { ...DEFAULT_LIMITS, ...limits }, deps);
}

/** Laps until the slice is at its end or told to stop, each after whatever retryable error ended the one before. */
export async function copyScene(
  scene: Scene,
  source: KafkaConnection,
  target: KafkaConnection,
  options: CopyOptions = {},
): Promise<{ readonly outcome: LapResult['outcome']; readonly faults: readonly string[] }> {
  const faults: string[] = [];
  while (faults.length < 100) {
    try {
      const { outcome } = await copyLap(scene, source, target, options);
      if (outcome !== 'lap') return { outcome, faults };
    } catch (error) {
      if (!(error instanceof PipelineError) || !error.retryable) throw error;
      faults.push(error.code);
    }
  }
  throw new Error(`no end after ${faults.join(', ')}`);
}
