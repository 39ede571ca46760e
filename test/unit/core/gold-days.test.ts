import assert from 'node:assert/strict';
import {
  pastDays,
  changeReasons,
  dayState,
  planDays,
  staleReasons,
  type BackfillSelection,
  type DayEvidence,
  type GoldDayState,
  type StaleReason,
} from '../../../src/core/gold-days.js';

const run = {
  isFinal: true,
  rowsWritten: '12',
  codeVersion: 'v1',
  startedAtMs: 1_000,
  eventsRead: { 0: '100', 2: '9007199254740993' },
};
const fresh: DayEvidence = {
  run,
  rowsPresent: '12',
  reach: [
    { partition: 0, lastOffset: '99', lastIngestedAtMs: 5_000 },
    { partition: 2, lastOffset: '9007199254740992', lastIngestedAtMs: 5_000 },
    { partition: -1, lastOffset: '0', lastIngestedAtMs: 999 },
  ],
  usersBecomeKnown: 0,
  usersChanged: 0,
};

describe('core/gold-days', () => {
  describe('staleReasons', () => {
    const reached = (partition: number, lastOffset: string, lastIngestedAtMs = 0) => ({
      ...fresh,
      reach: [{ partition, lastOffset, lastIngestedAtMs }],
    });
    const rows: [string, DayEvidence, StaleReason[]][] = [
      ['no recorded run', { ...fresh, run: null }, ['never-computed']],
      ['nothing changed', fresh, []],
      ['an empty day', { ...fresh, run: { ...run, rowsWritten: '0' }, rowsPresent: '0', reach: [] }, []],
      ['forced too early', { ...fresh, run: { ...run, isFinal: false } }, ['not-final']],
      ['rows gone from gold', { ...fresh, rowsPresent: '0' }, ['gold-differs']],
      ['a message at the position read up to', reached(0, '100'), ['silver-changed']],
      ['the message before it', reached(0, '99'), []],
      ['positions above 2^53', reached(2, '9007199254740993'), ['silver-changed']],
      ['a partition that the run did not know', reached(1, '0'), ['silver-changed']],
      ['a cut written after the run began', reached(-1, '0', 1_000), ['silver-changed']],
      ['a cut written before it', reached(-1, '0', 999), []],
      ['a stranger who became a user', { ...fresh, usersBecomeKnown: 1 }, ['users-known']],
      ['users who changed: a reason of another kind', { ...fresh, usersChanged: 3 }, []],
    ];
    for (const [what, evidence, reasons] of rows) {
      it(`${what}: ${reasons.join(', ') || 'stands'}`, () =>
        assert.deepEqual(staleReasons(evidence), reasons));
    }
  });

  it('tells of changed users and of other code, which make nothing stale', () => {
    assert.deepEqual(changeReasons(fresh, 'v1'), []);
    const by = (codeVersion: string) => ({ ...fresh, run: { ...run, codeVersion } });
    assert.deepEqual(changeReasons(by('1.0.0+gold.1'), '1.0.1+gold.1'), [], 'another package, the same SQL');
    assert.deepEqual(changeReasons(by('1.0.0+gold.1'), '1.0.0+gold.2'), ['code-changed']);
    assert.deepEqual(changeReasons({ ...fresh, usersChanged: 1 }, 'v2'), ['users-changed', 'code-changed']);
    assert.deepEqual(changeReasons({ ...fresh, run: null, usersChanged: 1 }, 'v2'), []);
  });

  describe('dayState', () => {
    const attempt = (status: 'running' | 'abandoned' | 'failed' | 'complete', errorCode = '') => ({
      status,
      errorCode,
      startedAtMs: 1,
    });
    const rows = [
      ['missing', { ...fresh, run: null }, null],
      ['complete', fresh, attempt('complete')],
      ['stale', { ...fresh, rowsPresent: '1' }, attempt('complete')],
      ['running', fresh, attempt('running')],
      ['failed', { ...fresh, run: null }, attempt('failed', 'GATE_TIMEOUT')],
      ['failed', { ...fresh, rowsPresent: '1' }, attempt('failed', 'GATE_TIMEOUT')],
      ['complete', fresh, attempt('failed', 'GATE_TIMEOUT')],
      ['complete', fresh, attempt('abandoned')],
    ] as const;
    for (const [state, evidence, last] of rows) {
      it(`${state}, the last attempt ${last?.status ?? 'none'}`, () => {
        const found = dayState('2024-05-01', evidence, last, 'v1');
        assert.equal(found.state, state);
        assert.equal(found.errorCode, last?.errorCode ?? '');
      });
    }
  });

  describe('planDays', () => {
    const day = (name: string, stale: GoldDayState['stale'], changed: GoldDayState['changed'] = []) =>
      ({
        day: name,
        state: 'complete',
        stale,
        changed,
        rows: '0',
        computedAtMs: null,
        errorCode: '',
      }) as const;
    const states = [
      day('2024-05-01', ['never-computed']),
      day('2024-05-02', []),
      day('2024-05-03', ['silver-changed']),
      day('2024-05-04', [], ['users-changed', 'code-changed']),
      day('2024-05-05', ['gold-differs', 'users-known'], ['users-changed']),
    ];
    const none: BackfillSelection = { missing: false, stale: false, also: [], all: false };
    const plan = (selection: Partial<BackfillSelection>) =>
      planDays(states, { ...none, ...selection }).map(
        ({ day, force, reasons }) => `${day.slice(-2)} ${force ? 'forced ' : ''}${reasons.join('+')}`,
      );

    it('missing: what was never computed', () =>
      assert.deepEqual(plan({ missing: true }), ['01 never-computed']));
    it('stale: what was computed and does not stand, newest first', () =>
      assert.deepEqual(plan({ stale: true }), ['05 gold-differs+users-known', '03 silver-changed']));
    it('opt-in reasons: forced where the result stands otherwise', () => {
      assert.deepEqual(plan({ stale: true, also: ['users-changed'] }), [
        '05 gold-differs+users-known+users-changed',
        '04 forced users-changed',
        '03 silver-changed',
      ]);
      assert.deepEqual(plan({ missing: true, also: ['code-changed'] }), [
        '04 forced code-changed',
        '01 never-computed',
      ]);
    });
    it('all: every day, those that stand forced', () =>
      assert.deepEqual(plan({ all: true }), [
        '05 gold-differs+users-known',
        '04 forced all',
        '03 silver-changed',
        '02 forced all',
        '01 never-computed',
      ]));
    it('nothing chosen: nothing', () => assert.deepEqual(plan({}), []));
  });

  describe('pastDays', () => {
    const nowMs = Date.parse('2024-05-10T12:00:00Z');
    it('are all days of the range, both ends included', () => {
      assert.deepEqual(pastDays('a test', '2024-02-28', '2024-03-01', nowMs), [
        '2024-02-28',
        '2024-02-29',
        '2024-03-01',
      ]);
      assert.deepEqual(pastDays('a test', '2024-05-09', '2024-05-09', nowMs), ['2024-05-09']);
      assert.equal(pastDays('a test', '2004-05-05', '2024-05-04', nowMs).length, 7_305, 'twenty years');
    });
    const refused: [string, string, RegExp][] = [
      ['2024-05-02', '2024-05-01', /the first day is after the last/],
      ['2024-05-01', '2024-05-10', /the last day must be over \(today is 2024-05-10 UTC\)/],
      ['2024-05-01', '2025-05-10', /must be over/],
      ['1969-12-31', '1970-01-02', /the first day is before 1970-01-01/],
      ['2004-05-04', '2024-05-04', /more than 7305 days/],
    ];
    for (const [from, to, message] of refused) {
      it(`${from} to ${to} is refused`, () =>
        assert.throws(() => pastDays('a test', from, to, nowMs), { code: 'BAD_RANGE', message }));
    }
  });
});
