import assert from 'node:assert/strict';
import { ResultsPace } from '../../../src/stream/processors/merge-stage.js';

describe('pace of a merge stage', () => {
  type Step = readonly [nowMs: number, heard: number, due: 'final' | 'all' | undefined];
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
      for (const [nowMs, heard, due] of steps) {
        pace.heard(heard);
        assert.equal(pace.due(nowMs), due, `at ${nowMs} ms`);
      }
    });
  }
});
