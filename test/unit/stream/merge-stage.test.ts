import assert from 'node:assert/strict';
import { ResultsPace, slicesBehind } from '../../../src/stream/processors/merge-stage.js';

describe('pace of a merge stage', () => {
  type Step = readonly [nowMs: number, heard: number, due: 'final' | 'all' | undefined, isBehind?: true];
  const table: Record<string, { readonly provisionalMs: number; readonly steps: readonly Step[] }> = {
    'writes at once after a start, and then only what was news': {
      provisionalMs: 0,
      steps: [
        [0, 0, 'final'],
        [10, 0, undefined],
        [20, 3, 'final'],
        [30, 0, undefined],
      ],
    },
    'writes again what was held back for a slice that was behind, once it is no more': {
      provisionalMs: 0,
      steps: [
        [0, 3, 'final', true],
        [10, 0, 'final', true],
        [20, 0, 'final'],
        [30, 0, undefined],
      ],
    },
    'writes results that are not final yet every so often, with news or without': {
      provisionalMs: 100,
      steps: [
        [0, 0, 'all'],
        [50, 0, undefined],
        [60, 1, 'final'],
        [99, 0, undefined],
        [100, 0, 'all'],
        [150, 2, 'final'],
        [230, 2, 'all'],
        [231, 0, undefined],
      ],
    },
  };
  for (const [name, { provisionalMs, steps }] of Object.entries(table)) {
    it(name, () => {
      const pace = new ResultsPace(provisionalMs);
      for (const [nowMs, heard, due, isBehind = false] of steps) {
        pace.heard(heard);
        assert.equal(pace.due(nowMs, isBehind), due, `at ${nowMs} ms`);
      }
    });
  }
});

describe('slices behind', () => {
  for (const [what, nextOffset, lastStableOffset, isBehind] of [
    ['read to its end', 7, 7, false],
    ['with more to read', 6, 7, true],
    ['that nothing is known of yet', 0, -1, true],
  ] as const) {
    it(`${isBehind ? 'include' : 'leave out'} one ${what}`, () => {
      const behind = slicesBehind(new Map([[3, { nextOffset, lastStableOffset }]]));
      assert.deepEqual([...behind], isBehind ? ['3'] : []);
    });
  }
});
