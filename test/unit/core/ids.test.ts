import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  barrierEventId,
  CANARY_EVENT_PREFIX,
  goldAttemptQueryPrefix,
  goldDayWorkflowId,
  goldQueryPrefix,
  goldStagingPrefix,
  goldStagingTable,
  type GoldAttempt,
} from '../../../src/core/ids.js';

describe('core/ids', () => {
  const attempt: GoldAttempt = {
    day: '2026-11-20',
    runId: '0197f3c2-8d1e-7b4a-9c55-2f6d1e0a3b4c',
    attempt: 2,
  };

  it('pins what running workflows and other languages derive, too', () => {
    assert.equal(goldDayWorkflowId('2026-11-20'), 'gold-day/2026-11-20');
    assert.equal(goldStagingTable(attempt), 'gold_staging_20261120_0197f3c28d1e7b4a9c552f6d1e0a3b4c_2');
    assert.equal(goldAttemptQueryPrefix(attempt), `gold-day/2026-11-20/${attempt.runId}/2/`);
  });

  it('marks its own events with the prefix that keeps them out of everything', () => {
    assert.ok(barrierEventId('run').startsWith(CANARY_EVENT_PREFIX));
  });

  const attempts = fc.record({
    day: fc.integer({ min: 0, max: 40_000 }).map((n) => new Date(n * 86_400_000).toISOString().slice(0, 10)),
    runId: fc.uuid(),
    attempt: fc.integer({ min: 1, max: 200 }),
  });

  it('tells attempts apart, and finds those of a day by prefix: no fence reaches another day or itself', () => {
    fc.assert(
      fc.property(attempts, attempts, (one, other) => {
        const same = one.day === other.day && one.runId === other.runId && one.attempt === other.attempt;
        assert.equal(goldStagingTable(one) === goldStagingTable(other), same);
        assert.equal(goldAttemptQueryPrefix(other).startsWith(goldAttemptQueryPrefix(one)), same);
        const sameDay = one.day === other.day;
        assert.equal(goldStagingTable(other).startsWith(goldStagingPrefix(one.day)), sameDay);
        assert.equal(goldAttemptQueryPrefix(other).startsWith(goldQueryPrefix(one.day)), sameDay);
      }),
    );
  });

  it('tells attempt 1 from attempt 11 of a run', () => {
    const [first, eleventh] = [1, 11].map((n) => goldAttemptQueryPrefix({ ...attempt, attempt: n }));
    assert.ok(!eleventh?.startsWith(first ?? ''));
  });
});
