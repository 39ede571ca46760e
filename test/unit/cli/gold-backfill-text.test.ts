import assert from 'node:assert/strict';
import { backfillBarText, describeFailedDays } from '../../../src/cli/gold-backfill-text.js';
import type { GoldBackfillProgress, GoldBackfillResult } from '../../../src/messages.js';

describe('what is said of a backfill', () => {
  const result: GoldBackfillResult = {
    from: '2024-05-01',
    to: '2024-05-31',
    planned: 31,
    computed: 28,
    reused: 0,
    failed: [
      { day: '2024-05-30', code: 'GOLD_CHECK_FAILED', message: 'checking staging: 3 rows too few' },
      { day: '2024-05-02', code: 'TIMEOUT', message: 'computeGold: not done in time' },
    ],
    failedDays: 3,
    startedAtMs: 0,
    finishedAtMs: 2_500,
  };

  it('names every failed day with its code and its line, and counts those that are not kept', () => {
    const lines = describeFailedDays(result)
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/));
    assert.deepEqual(lines, [
      ['failed', 'code', 'message'],
      ['2024-05-30', 'GOLD_CHECK_FAILED', 'checking staging: 3 rows too few'],
      ['2024-05-02', 'TIMEOUT', 'computeGold: not done in time'],
      ['and 1 more days failed'],
      ['backfill of 2024-05-01 to 2024-05-31: 28 of 31 days computed, in 2.5 s'],
    ]);
  });

  describe('the text of the bar', () => {
    const nowMs = Date.parse('2024-06-01T23:00:00Z');
    const progress: GoldBackfillProgress = {
      step: 'computing',
      detail: '2024-05-03, 2024-05-02',
      planned: 31,
      computed: 27,
      reused: 1,
      failed: [],
      failedDays: 0,
      startedAtMs: 0,
      etaMs: null,
    };
    const rows: [string, Partial<GoldBackfillProgress>, string][] = [
      ['before the days are known: no number of them', { planned: 0, computed: 0, reused: 0 }, ''],
      ['before the first day: no end', { computed: 0, reused: 0 }, '0 of 31 days'],
      ['on its way: what was fresh counts as done', {}, '28 of 31 days'],
      ['with failed days', { failedDays: 2 }, '30 of 31 days, 2 failed'],
      ['an end today', { etaMs: Date.parse('2024-06-01T23:59:01Z') }, '28 of 31 days, done about 23:59:01Z'],
      [
        'an end on another day',
        { etaMs: Date.parse('2024-06-02T00:10:00Z') },
        '28 of 31 days, done about 2024-06-02 00:10:00Z',
      ],
    ];
    for (const [what, members, days] of rows) {
      it(what, () => assert.equal(backfillBarText({ ...progress, ...members }, nowMs).days, days));
    }
  });
});
