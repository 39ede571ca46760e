import assert from 'node:assert/strict';
import { addDays } from '../../../src/core/day.js';
import { LONGEST_RANGE_DAYS } from '../../../src/core/gold-days.js';
import type { GoldBackfillRest } from '../../../src/messages.js';
import { BackfillState } from '../../../src/workflows/backfill-state.js';

const FROM = '2024-01-01';
const MINUTE = 60_000;
/** Noon of some day. */
const BEGIN_MS = Date.parse('2026-11-20T12:00:00Z');
const barrier = { complete: true, positions: {} };

/** A backfill on a clock that goes when told, and what it has shown. */
function backfillOf(days: number, rest?: GoldBackfillRest) {
  let nowMs = BEGIN_MS;
  const shown: string[] = [];
  const state = new BackfillState(
    { from: FROM, to: addDays(FROM, days - 1), parallelism: 2 },
    { nowMs: () => nowMs, show: (details) => void shown.push(details) },
    rest,
  );
  const after = (ms: number) => {
    nowMs += ms;
    return state;
  };
  const compute = (count: number, everyMs: number) => {
    for (let i = 0; i < count; i++) {
      const day = addDays(FROM, i);
      state.begin(day);
      after(everyMs).done(day, false);
    }
  };
  const etaMinutes = () => {
    const { etaMs } = state.progress();
    return etaMs === null ? null : (etaMs - BEGIN_MS) / MINUTE;
  };
  return { state, shown, after, compute, etaMinutes };
}

describe('workflows/backfill-state', () => {
  describe('the end', () => {
    it('is not known before a day is done', () => {
      const { state, after, etaMinutes } = backfillOf(10);
      assert.equal(etaMinutes(), null);
      state.planned(10);
      state.begin(FROM);
      after(MINUTE);
      assert.equal(etaMinutes(), null);
    });

    it('is told by the rate so far, without the gate and the planning', () => {
      const { state, after, compute, etaMinutes } = backfillOf(10);
      after(5 * MINUTE).planned(10);
      compute(2, MINUTE);
      assert.equal(etaMinutes(), 5 + 10);
      compute(3, MINUTE);
      assert.equal(etaMinutes(), 5 + 10);
      state.begin('2024-01-06');
      after(MINUTE).fail('2024-01-06', { code: 'TIMEOUT', message: 'late' });
      assert.equal(etaMinutes(), 5 + 10, 'a failed day is done, too');
    });

    it('is later by a pause, which is no work, and not known during it', () => {
      const { state, after, compute, etaMinutes } = backfillOf(10);
      state.planned(10);
      compute(2, MINUTE);
      state.pause();
      after(30 * MINUTE);
      assert.equal(etaMinutes(), null);
      state.pause();
      after(30 * MINUTE).resume();
      assert.equal(etaMinutes(), 60 + 10);
      state.resume();
      compute(3, MINUTE);
      assert.equal(etaMinutes(), 60 + 10);
    });

    it('is told by the rate of the new run after the workflow has gone on in one', () => {
      const first = backfillOf(10);
      first.state.planned(10);
      first.compute(4, 10 * MINUTE);
      const { state, compute, etaMinutes } = backfillOf(10, first.state.rest(barrier, []));
      assert.equal(etaMinutes(), null);
      compute(2, MINUTE);
      assert.equal(etaMinutes(), 6);
      assert.equal(state.result().computed, 6);
    });

    it('does not count a pause that a new run begins with', () => {
      const first = backfillOf(10);
      first.state.planned(10);
      first.compute(4, MINUTE);
      first.state.pause();
      const { state, after, compute, etaMinutes } = backfillOf(10, first.state.rest(barrier, []));
      assert.equal(state.isPaused, true);
      after(30 * MINUTE).resume();
      compute(2, MINUTE);
      assert.equal(etaMinutes(), 30 + 6);
    });
  });

  it('shows at every turn where it is', () => {
    const { state, shown, after } = backfillOf(3);
    state.at('waiting for silver', 'the positions of the sources');
    state.at('planning', '2024-01-01 to 2024-01-03');
    state.planned(3);
    state.begin('2024-01-03');
    state.begin('2024-01-02');
    after(MINUTE).done('2024-01-03', false);
    state.pause();
    state.fail('2024-01-02', { code: 'TIMEOUT', message: 'late' });
    state.resume();
    assert.deepEqual(shown, [
      'waiting for silver (the positions of the sources)',
      'planning (2024-01-01 to 2024-01-03)',
      'computing: 0 of 3 days',
      'computing: 0 of 3 days (2024-01-03)',
      'computing: 0 of 3 days (2024-01-03, 2024-01-02)',
      'computing: 1 of 3 days, done about 2026-11-20T12:03:00Z (2024-01-02)',
      'paused: 1 of 3 days (2024-01-02)',
      'paused: 2 of 3 days, 1 failed',
      'computing: 2 of 3 days, 1 failed, done about 2026-11-20T12:01:30Z',
    ]);
  });

  it('says of a pause at the gate that it is paused once there is something to pause', () => {
    const { state, shown } = backfillOf(3);
    state.at('waiting for silver', 'the mark');
    state.pause();
    assert.equal(shown.at(-1), 'waiting for silver, then paused (the mark)');
    state.planned(3);
    assert.equal(shown.at(-1), 'paused: 0 of 3 days');
  });

  it('of the longest backfill, all of which fails, goes on in a message that Temporal takes', () => {
    const { state } = backfillOf(LONGEST_RANGE_DAYS);
    const reasons = ['not-final', 'gold-differs', 'silver-changed', 'users-known'] as const;
    const days = Array.from({ length: LONGEST_RANGE_DAYS }, (_, i) => ({
      day: addDays(FROM, i),
      force: false,
      reasons: [...reasons, 'users-changed' as const, 'code-changed' as const],
    }));
    state.planned(days.length);
    for (const { day } of days) {
      state.begin(day);
      state.fail(day, { code: 'GOLD_CHECK_FAILED', message: 'x'.repeat(5_000) });
    }
    const rest = state.rest(barrier, days);
    assert.equal(rest.tally.failedDays, LONGEST_RANGE_DAYS);
    const bytes = JSON.stringify(rest).length;
    assert.ok(bytes < 2_000_000, `${bytes} bytes`);
  });
});
