import type { ReplayLacks, ReplayPlan } from '../../messages.js';
import { replayClassifier } from '../processors/replay.js';
import { findMissing } from './missing.js';
import { eachRecord, type ScanDeps } from './scan.js';
import { plannedRanges } from './slice-ranges.js';

type Lack = ReplayLacks['lacks'][number];

/** Runs shown; what lies behind is counted. */
const MOST_RUNS = 1_000;

/**
 * What B lacks of A's selection, in runs of offsets: `gap` where A has records that B has not (a fill copies them), `hole`
 * where A has none itself (compaction, transactions), `expired` where A has lost them.
 */
export async function findLacks(deps: ScanDeps, plan: ReplayPlan): Promise<ReplayLacks> {
  const isMissing = await findMissing(deps, plan);
  const classify = replayClassifier({ selection: plan.spec.selection, target: plan.target, isMissing });
  const lacks: Lack[] = [];
  let selected = 0;
  let missing = 0;
  let runs = 0;
  const add = (lack: Lack): void => {
    if (runs++ < MOST_RUNS) lacks.push(lack);
  };
  for (const range of plannedRanges(plan)) {
    const { partition } = range;
    let next = range.startOffset;
    let run: { startOffset: number; endOffset: number; records: number } | undefined;
    const endRun = (): void => {
      if (run) add({ kind: 'gap', partition, ...textOf(run), records: String(run.records) });
      run = undefined;
    };
    const endHole = (until: number): void => {
      if (until > next)
        add({ kind: 'hole', partition, ...textOf({ startOffset: next, endOffset: until }), records: '0' });
    };
    const gaps = await eachRecord(deps.source, deps, plan.source, [range], (_partition, cursor) => {
      if (cursor.offset > next) {
        endRun();
        endHole(cursor.offset);
      }
      next = cursor.offset + 1;
      const verdict = classify(partition, cursor);
      if (verdict === 'selected' || verdict === 'present') selected++;
      if (verdict !== 'selected') {
        endRun();
        return;
      }
      missing++;
      run ??= { startOffset: cursor.offset, endOffset: next, records: 0 };
      run.endOffset = next;
      run.records++;
    });
    endRun();
    for (const gap of gaps) add({ kind: 'expired', partition, ...textOf(gap), records: '0' });
  }
  return { plan, selected: String(selected), missing: String(missing), runs, lacks };
}

const textOf = ({ startOffset, endOffset }: { startOffset: number; endOffset: number }) => ({
  startOffset: String(startOffset),
  endOffset: String(endOffset),
});
