import assert from 'node:assert/strict';
import { DAY_MS } from '../../../src/core/day.js';
import { admitDay, isOver, stagingFault, type StagingContent } from '../../../src/core/gold.js';

describe('core/gold', () => {
  describe('admitDay', () => {
    const day = '2024-02-29';
    const startMs = Date.UTC(2024, 1, 29);
    const endMs = startMs + DAY_MS;
    const rows: [string, number, boolean, string][] = [
      ['a day in the future', startMs - 1, false, 'DAY_IN_FUTURE'],
      ['a day in the future, forced', startMs - 1, true, 'DAY_IN_FUTURE'],
      ['a day that just began', startMs, false, 'DAY_UNFINISHED'],
      ['a day in its last millisecond', endMs - 1, false, 'DAY_UNFINISHED'],
      ['a day under way, forced', endMs - 1, true, 'admitted'],
      ['a day that just ended', endMs, false, 'admitted'],
      ['a day long over, forced', endMs + 365 * DAY_MS, true, 'admitted'],
    ];
    for (const [what, nowMs, force, expected] of rows) {
      it(`${what}: ${expected}`, () => {
        const admission = admitDay(day, nowMs, force);
        assert.equal(admission.kind === 'refused' ? admission.code : admission.kind, expected);
      });
    }

    it('is over once its last millisecond is', () => {
      assert.deepEqual([isOver(day, endMs - 1), isOver(day, endMs)], [false, true]);
    });
  });

  describe('stagingFault', () => {
    const right: StagingContent = { rows: '3', distinctUsers: '3', miscounted: '0', misdated: '0' };
    const rows: [string, string, Partial<StagingContent>, RegExp | undefined][] = [
      ['all adds up', '3', {}, undefined],
      ['nothing at all', '0', { rows: '0', distinctUsers: '0' }, undefined],
      ['rows lost on the way', '4', {}, /the SELECT gave 4 rows, staging holds 3/],
      ['a second attempt wrote into it', '3', { rows: '6' }, /the SELECT gave 3 rows, staging holds 6/],
      ['a user twice', '3', { distinctUsers: '2' }, /3 rows of 2 users/],
      ['types that do not add up', '3', { miscounted: '1' }, /1 rows whose types do not add up/],
      ['events of another day', '3', { misdated: '2' }, /2 rows with events outside of the day/],
    ];
    for (const [what, reported, change, fault] of rows) {
      it(what, () => {
        const found = stagingFault(reported, { ...right, ...change });
        if (fault === undefined) assert.equal(found, undefined);
        else assert.match(found ?? '', fault);
      });
    }
  });
});
