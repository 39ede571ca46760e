import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DEFAULT_COUNT_RULES } from '../../../src/core/count-rules.js';
import { UniquesSlice } from '../../../src/core/uniques-slice.js';
import { UniquesMerge } from '../../../src/core/uniques-merge.js';
import { resultKey } from '../../../src/core/uniques-result.js';
import type { StateRecord } from '../../../src/core/uniques-state.js';
import { frameText } from './counting.js';

/** 2016-07-11T13:39:00Z. */
const START = 1_468_244_340;
const RULES = {
  ...DEFAULT_COUNT_RULES,
  precision: 6,
  time: { ...DEFAULT_COUNT_RULES.time, confirmFrames: 1 },
};
const MINUTES = 3 * 24 * 60;
/** Minutes in the two hours that may pass between two clocks which are kept and until a window is done, and the longer windows. */
const MOST_OPEN = 2 * 60 + 10;

/** What a slice tells of a frame a minute, in two partitions by turns, over three days; some frames come late. */
function reports(): StateRecord[] {
  const slice = new UniquesSlice([0, 1], RULES, () => undefined);
  const told: StateRecord[] = [];
  const tell = (): void => {
    told.push(...slice.snapshot().reports);
  };
  for (let minute = 0; minute < MINUTES; minute++) {
    const lateS = minute % 7 === 0 ? 50 * 60 : 0;
    const bytes = Buffer.from(frameText([START + 60 * minute - lateS, `u${minute % 50}`]));
    slice.frame(minute % 2, minute, bytes, 0, bytes.length);
    if (minute % 20 === 19) tell();
  }
  [0, 1].forEach((partition) => slice.end(partition));
  tell();
  return told;
}

/** What a log holds once what lies before `end` has been compacted. */
function compacted(log: readonly StateRecord[], end: number): StateRecord[] {
  const newest = new Map(log.slice(0, end).map(({ key }, at) => [key, at]));
  return log.filter(({ key }, at) => at >= end || newest.get(key) === at);
}

function merged(log: readonly StateRecord[]) {
  const merge = new UniquesMerge([0, 1], RULES);
  const newest = new Map<string, string>();
  let mostOpen = 0;
  for (const record of log) {
    merge.apply('0', [record]);
    for (const result of merge.results(0, false)) {
      const { users, frames, status } = result;
      newest.set(resultKey(result), `${users} ${frames} ${status === 'provisional' ? status : ''}`);
    }
    mostOpen = Math.max(mostOpen, merge.openWindows);
    merge.snapshot();
  }
  const results = [...newest].sort(([a], [b]) => (a < b ? -1 : 1));
  return { results, mostOpen, afterClose: merge.afterClose };
}

describe('what slices tell, in a compacted log', () => {
  const log = reports();
  const whole = merged(log);

  it('gives the same results, wherever the compaction ended', () => {
    assert.ok(whole.results.length > 0.8 * MINUTES);
    fc.assert(
      fc.property(fc.nat(log.length), (end) => {
        const { results, afterClose } = merged(compacted(log, end));
        assert.deepEqual([results, afterClose], [whole.results, 0]);
      }),
      { numRuns: 10, examples: [[log.length]] },
    );
  });

  it('opens no more windows at once than fall between two clocks that are kept', () => {
    const kept = compacted(log, log.length);
    assert.ok(kept.length < log.length / 1.2, `${kept.length} of ${log.length}`);
    const { mostOpen } = merged(kept);
    assert.ok(mostOpen <= MOST_OPEN, `${mostOpen} at once`);
  });
});
