import { partitionOfKey } from '../../core/murmur2.js';
import type { ReplayDryRun, ReplayPlan } from '../../messages.js';
import { replayClassifier, REPLAY_VERDICTS } from '../processors/replay.js';
import type { RecordCursor } from '../record-batch.js';
import { findMissing } from './missing.js';
import { eachRecord, type ScanDeps } from './scan.js';
import { plannedRanges } from './slice-ranges.js';

/** Characters of a key or value that a sample shows. */
const SAMPLE_CHARACTERS = 200;

/** Reads what the plan would read and tells what would be copied; writes nothing. */
export async function dryRun(deps: ScanDeps, plan: ReplayPlan, samples = 5): Promise<ReplayDryRun> {
  const classify = replayClassifier({
    selection: plan.spec.selection,
    target: plan.target,
    ...(plan.spec.fill && { isMissing: await findMissing(deps, plan) }),
  });
  const ranges = plannedRanges(plan);
  const counts = new Map(ranges.map(({ partition }) => [partition, zeroes()]));
  const sample: ReplayDryRun['sample'][number][] = [];
  let misplacedKeys = 0;
  const gaps = await eachRecord(deps.source, deps, plan.source, ranges, (partition, cursor) => {
    const verdict = classify(partition, cursor);
    const own = counts.get(partition);
    if (own) own[verdict] = (own[verdict] ?? 0) + 1;
    if (verdict !== 'selected') return;
    const key = cursor.key();
    if (key !== null && partitionOfKey(key, plan.source.partitions) !== partition) misplacedKeys++;
    if (sample.length < samples) sample.push(sampleOf(partition, cursor));
  });
  return {
    plan,
    partitions: [...counts].sort(([a], [b]) => a - b).map(([partition, own]) => ({ partition, counts: own })),
    gaps: gaps.map(({ partition, startOffset, endOffset, reason }) => ({
      partition,
      startOffset: String(startOffset),
      endOffset: String(endOffset),
      reason,
    })),
    misplacedKeys: String(misplacedKeys),
    sample,
  };
}

const zeroes = (): Record<string, number> =>
  Object.fromEntries(REPLAY_VERDICTS.map((verdict) => [verdict, 0]));

const sampleOf = (partition: number, cursor: RecordCursor): ReplayDryRun['sample'][number] => ({
  partition,
  offset: String(cursor.offset),
  timestampMs: cursor.timestampMs,
  key: cursor.key()?.toString('utf8').slice(0, SAMPLE_CHARACTERS) ?? null,
  value: cursor.value()?.toString('utf8').slice(0, SAMPLE_CHARACTERS) ?? null,
});
