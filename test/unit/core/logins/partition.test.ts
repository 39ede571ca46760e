import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PipelineError } from '../../../../src/core/errors.js';
import { LoginPartition } from '../../../../src/core/logins/partition.js';
import { LoginTime, TIME_MESSAGES } from '../../../../src/core/logins/partition-time.js';
import { RECENT_LOGINS, RecentLogins } from '../../../../src/core/logins/recent-logins.js';
import {
  identityFault,
  newTally,
  requireIdentity,
  talliesOf,
  tallyCounts,
} from '../../../../src/core/logins/tally.js';
import type { StateRecord } from '../../../../src/core/uniques-state.js';

const START_S = 1_700_000_000;
const RULES = { latenessMs: 3_600_000 };
const message = (atS: number, device = 'd', user = 1): Buffer =>
  Buffer.from(
    JSON.stringify({
      user_id: `424cdd21-063a-43a7-b91b-${String(user).padStart(12, '0')}`,
      app_version: '2.3.0',
      device_type: 'web',
      ip: '1.2.3.4',
      locale: 'RU',
      device_id: device,
      timestamp: atS,
    }),
  );

/** What a log of state records holds in the end. */
function newest(records: readonly StateRecord[]): StateRecord[] {
  const byKey = new Map(records.map((record) => [record.key, record]));
  return [...byKey.values()].filter(({ value }) => value !== null);
}

describe('the time of a partition', () => {
  it('is the greatest median of the last 101, by a slow and plain computation', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 400 }), (times) => {
        const time = new LoginTime();
        let greatest: number | undefined;
        times.forEach((atMs, i) => {
          time.observe(atMs);
          const last = times.slice(Math.max(0, i + 1 - TIME_MESSAGES), i + 1).sort((a, b) => a - b);
          if (last.length === TIME_MESSAGES) greatest = Math.max(greatest ?? -Infinity, last[50]!);
          assert.equal(time.timeMs, greatest);
        });
        assert.deepEqual(
          new LoginTime(JSON.parse(JSON.stringify(time.state)) as LoginTime['state']).state,
          time.state,
        );
      }),
      { numRuns: 50 },
    );
  });

  it('is not moved by 50 wild messages in a row, nor back', () => {
    const time = new LoginTime();
    for (let i = 0; i < TIME_MESSAGES; i++) time.observe(1_000);
    for (let i = 0; i < 50; i++) time.observe(9_000_000);
    assert.equal(time.timeMs, 1_000);
    time.observe(9_000_000);
    assert.equal(time.timeMs, 9_000_000);
    for (let i = 0; i < 300; i++) time.observe(1_000);
    assert.equal(time.timeMs, 9_000_000);
  });
});

describe('recent logins', () => {
  it('knows the last 10,000 and no older one, also after a restart in the middle', () => {
    let recent = new RecentLogins();
    const state: StateRecord[] = [];
    const total = RECENT_LOGINS + 1_234;
    for (let i = 0; i < total; i++) {
      assert.equal(recent.has('u', `d${i}`, i), false);
      recent.add('u', `d${i}`, i);
      if (i % 1_700 !== 0) continue;
      state.push(...recent.snapshot('r/'));
      const segments = newest(state).map(({ key, value }): [number, Uint8Array] => [
        Number(key.slice(2)),
        value!,
      ]);
      recent = new RecentLogins(recent.accepted, new Map(segments));
    }
    assert.equal(recent.has('u', `d${total - 1}`, total - 1), true);
    assert.equal(recent.has('u', `d${total - RECENT_LOGINS}`, total - RECENT_LOGINS), true);
    assert.equal(recent.has('u', `d${total - RECENT_LOGINS - 1}`, total - RECENT_LOGINS - 1), false);
    assert.equal(recent.has('v', `d${total - 1}`, total - 1), false);
  });
});

describe('a partition of logins', () => {
  const filled = (): LoginPartition => {
    const partition = new LoginPartition(0, 0, RULES);
    for (let i = 0; i < TIME_MESSAGES; i++) partition.take(i, message(START_S + i, `d${i}`));
    return partition;
  };
  const outcomes: [what: string, bytes: Buffer | null, outcome: string, reason?: string][] = [
    ['a login', message(START_S + 200), 'clean'],
    ['a login seen before', message(START_S + 50, 'd50'), 'filtered', 'DUPLICATE'],
    ['the same of another user', message(START_S + 50, 'd50', 2), 'clean'],
    ['one just not too late', message(START_S + 51 - 3_600), 'clean'],
    ['one too late', message(START_S + 50 - 3_601), 'dlq', 'TOO_LATE'],
    ['a tombstone', null, 'filtered', 'TOMBSTONE'],
    ['no JSON', Buffer.from('?'), 'dlq', 'INVALID_JSON'],
  ];
  for (const [what, bytes, outcome, reason] of outcomes) {
    it(`decides on ${what}: ${reason ?? outcome}`, () => {
      const partition = filled();
      const found = partition.take(TIME_MESSAGES, bytes);
      assert.deepEqual([found.outcome, 'reason' in found ? found.reason : undefined], [outcome, reason]);
    });
  }

  for (const [was, is] of [
    ['reading', 'reading'],
    ['idle', 'reading'],
    ['ended', 'ended'],
  ] as const) {
    it(`that was ${was} is ${is} after a restart${was === is ? '' : ', which the merge stage is told'}`, () => {
      const before = filled();
      if (was !== 'reading') before.rest(was);
      const after = new LoginPartition(0, 0, RULES);
      const wasIdle = after.restore(newest(before.snapshot()), before.tally);
      assert.equal(after.time.reading, is);
      assert.deepEqual([wasIdle, after.isDirty], [was === 'idle', was !== is]);
    });
  }

  it('calls nothing late before it has 101 valid messages', () => {
    const partition = new LoginPartition(0, 0, RULES);
    for (let i = 0; i < TIME_MESSAGES - 2; i++) partition.take(i, message(START_S + i, `d${i}`));
    assert.equal(partition.take(99, message(START_S - 1_000_000)).outcome, 'clean');
    assert.equal(partition.take(100, message(START_S - 1_000_000, 'e')).outcome, 'dlq');
  });

  it('asks the filter of what would be clean only, and buries what it cannot decide', () => {
    const partition = filled();
    assert.equal(partition.take(101, message(START_S + 300), () => 'filtered').outcome, 'filtered');
    const undecided = partition.take(102, message(START_S + 301), () => 'undecided');
    assert.deepEqual([undecided.outcome, 'stage' in undecided && undecided.stage], ['dlq', 'transform']);
    const never = (): never => assert.fail('asked of a tombstone');
    assert.equal(partition.take(103, null, never).outcome, 'filtered');
  });

  it('ends any bytes in exactly one of three, the identity holds, and a restart anywhere changes nothing', () => {
    const anything = fc.oneof(
      fc.constant(null),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.integer({ min: -5_000, max: 40 }).map((s) => message(START_S + s, `d${s % 7}`, s % 5)),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 250 }), fc.nat(250), (messages, restartAt) => {
        const undisturbed = new LoginPartition(3, 0, RULES);
        let restarted = new LoginPartition(3, 0, RULES);
        const state: StateRecord[] = [];
        messages.forEach((bytes, offset) => {
          const outcome = undisturbed.take(offset, bytes);
          assert.deepEqual(restarted.take(offset, bytes), outcome);
          if (offset % 50 === 9 || offset === restartAt) {
            state.push(...restarted.snapshot());
            const tally = talliesOf(tallyCounts([restarted.tally]))[0];
            restarted = new LoginPartition(3, 0, RULES);
            restarted.restore(newest(state), tally);
          }
        });
        assert.equal(undisturbed.tally.read, messages.length);
        assert.equal(identityFault(undisturbed.tally), undefined);
        assert.deepEqual(restarted.tally, undisturbed.tally);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the identity of a partition', () => {
  const whole = { read: 5, clean: 2, dlq: 2, filtered: 1, offset: 7 };
  const reasons = { dlqReasons: { INVALID_IP: 2 }, filteredReasons: { DUPLICATE: 1 } };
  it('holds', () => assert.equal(identityFault({ ...newTally(0, 2), ...whole, ...reasons }), undefined));
  const broken: [what: string, change: object, says: RegExp][] = [
    ['a message is missing', { clean: 1 }, /5 read, 1 clean \+ 2 dlq \+ 1 filtered/],
    ['a dead letter has no reason', { dlqReasons: {} }, /2 dlq, 0 by reason/],
    ['something filtered has no reason', { filteredReasons: {} }, /1 filtered, 0 by reason/],
    ['more was read than there are offsets', { startOffset: 4 }, /5 read of offsets \[4, 7\)/],
  ];
  for (const [what, change, says] of broken) {
    it(`is broken where ${what}`, () => {
      const tally = { ...newTally(0, 2), ...whole, ...reasons, ...change };
      assert.throws(
        () => requireIdentity('job', tally),
        (error) =>
          error instanceof PipelineError && error.code === 'IDENTITY_BROKEN' && says.test(error.message),
      );
    });
  }
});
