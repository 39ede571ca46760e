import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PipelineError } from '../../../../src/core/errors.js';
import {
  encodeFacts,
  encodeReport,
  type LoginFact,
  type PartitionReport,
} from '../../../../src/core/logins/facts.js';
import { insightKey, type LoginInsight } from '../../../../src/core/logins/insights.js';
import { LoginMerge } from '../../../../src/core/logins/merge.js';
import { insightRules } from '../../../../src/core/logins/plan.js';
import { newTally } from '../../../../src/core/logins/tally.js';
import { MAX_VALUES } from '../../../../src/core/logins/windows.js';
import type { StateRecord } from '../../../../src/core/uniques-state.js';

const START_MS = Date.UTC(2026, 0, 1);
const fact = (
  atS: number,
  userId: string,
  deviceId: string,
  appVersion = '1.0.0',
  locale = 'RU',
): LoginFact => ({
  atMs: START_MS + 1_000 * atS,
  userId,
  deviceId,
  deviceType: 'web',
  appVersion,
  locale,
});
const report = (
  clean: number,
  timeS: number,
  reading: PartitionReport['reading'] = 'reading',
  partition = 0,
): StateRecord =>
  encodeReport({
    tally: { ...newTally(partition, 0), read: clean, clean, offset: clean },
    timeS: START_MS / 1_000 + timeS,
    reading,
  });
const RULES = insightRules({});
const newMerge = (rules = RULES): LoginMerge => new LoginMerge('job', [0], rules);

/** What is told once all have ended, by key. */
function told(merge: LoginMerge, clean: number): Map<string, LoginInsight> {
  merge.apply('0', report(clean, 0, 'ended'));
  merge.requireComplete();
  return new Map(merge.results(1, true).map((insight) => [insightKey(insight), insight]));
}

function alertsOf(facts: readonly LoginFact[], rules = RULES): string[] {
  const merge = newMerge(rules);
  merge.apply('0', encodeFacts(facts));
  return [...told(merge, facts.length).values()]
    .flatMap((one) => (one.kind === 'alert' ? [`${one.alert} ${one.subject} ${one.count}`] : []))
    .sort();
}

describe('alerts', () => {
  const many = (n: number, make: (i: number) => LoginFact): LoginFact[] =>
    Array.from({ length: n }, (_, i) => make(i));
  const table: [what: string, facts: LoginFact[], alerts: string[]][] = [
    ['4 users on a device', many(4, (i) => fact(i, `u${i}`, 'd')), []],
    ['5 users on a device', many(5, (i) => fact(i, `u${i}`, 'd')), ['SHARED_DEVICE d 5']],
    ['5 users on a device, in two windows', many(5, (i) => fact(150 * i, `u${i}`, 'd')), []],
    ['6 devices of a user', many(6, (i) => fact(i, 'u', `d${i}`)), ['DEVICE_HOPPING u 6']],
    ['19 logins', many(19, (i) => fact(i, 'u', 'd')), []],
    ['20 logins', many(20, (i) => fact(i, 'u', 'd')), ['BURST u 20']],
    ['an update', [fact(1, 'u', 'd', '1.9.0'), fact(2, 'u', 'd', '1.10.0')], []],
    [
      'a version that goes back',
      [fact(1, 'u', 'd', '1.10.0'), fact(2, 'u', 'd', '1.9.0')],
      ['IMPOSSIBLE_VERSION d 2'],
    ],
    [
      'the same, heard in the other order',
      [fact(2, 'u', 'd', '1.9.0'), fact(1, 'u', 'd', '1.10.0')],
      ['IMPOSSIBLE_VERSION d 2'],
    ],
    ['two versions at one instant', [fact(1, 'u', 'd', '2.0.0'), fact(1, 'u', 'd', '1.0.0')], []],
  ];
  for (const [what, facts, alerts] of table)
    it(`of ${what}`, () => assert.deepEqual(alertsOf(facts), alerts));

  it('of a version above the newest there is', () => {
    const rules = insightRules({ newestVersion: '2.0.0' });
    assert.deepEqual(alertsOf([fact(1, 'u', 'd', '2.0.0')], rules), []);
    assert.deepEqual(alertsOf([fact(1, 'u', 'd', '2.0.1')], rules), ['IMPOSSIBLE_VERSION d 1']);
  });

  it('are told once when they begin, and once as they end', () => {
    const merge = newMerge();
    merge.apply('0', encodeFacts(many(5, (i) => fact(i, `u${i}`, 'd'))));
    merge.apply('0', report(5, 10));
    const statuses = (): string[] =>
      merge.results(1, true).flatMap((one) => (one.kind === 'alert' ? [`${one.status} ${one.count}`] : []));
    assert.deepEqual(statuses(), ['open 5']);
    merge.apply('0', encodeFacts([fact(20, 'u9', 'd')]));
    assert.deepEqual(statuses(), []);
    merge.apply('0', report(6, 901));
    assert.deepEqual(statuses(), ['closed 6']);
    assert.deepEqual([merge.counts.users, merge.counts.devices], [0, 0]);
    merge.apply('0', encodeFacts([fact(30, 'u', 'd')]));
    assert.equal(merge.counts.lateForAlerts, 1);
  });

  it('follow no more users and devices than the cap, and count what they leave out', () => {
    const merge = newMerge(insightRules({ entries: 3 }));
    merge.apply('0', encodeFacts(many(10, (i) => fact(i, `u${i}`, `d${i % 2}`))));
    const { users, devices, overflowUsers, overflowDevices } = merge.counts;
    assert.deepEqual([users, devices, overflowUsers, overflowDevices], [3, 2, 7, 0]);
    const state = [...told(merge, 10).values()].find((one) => one.kind === 'state');
    assert.equal(state?.kind === 'state' && state.counts.overflowUsers, 7);
  });
});

describe('windows', () => {
  it('tell no more values apart than the cap: the rest is (other)', () => {
    const merge = newMerge();
    const facts = Array.from({ length: MAX_VALUES + 20 }, (_, i) => fact(1, `u${i}`, `d${i}`, `1.0.${i}`));
    merge.apply('0', encodeFacts(facts));
    assert.equal(merge.counts.overflowValues, 20);
    const other = told(merge, facts.length).get('window/2026-01-01T00:00:00Z/app_version/(other)');
    assert.equal(other?.kind === 'window' && other.users, 20);
  });

  it('are provisional, final when time has passed them, revised by late logins', () => {
    const merge = newMerge();
    const all = (withChanges: boolean): string[] =>
      merge
        .results(1, withChanges)
        .flatMap((one) =>
          one.kind === 'window' && one.dimension === 'all'
            ? [`${one.status} ${one.revision} ${one.logins}`]
            : [],
        );
    merge.apply('0', encodeFacts([fact(1, 'u', 'd')]));
    merge.apply('0', report(1, 30));
    assert.deepEqual([all(false), all(true)], [[], ['provisional 0 1']]);
    merge.apply('0', report(1, 65));
    assert.deepEqual(all(false), ['final 0 1']);
    merge.apply('0', encodeFacts([fact(2, 'v', 'd')]));
    assert.deepEqual([all(false), all(true)], [[], ['revised 1 2']]);
    merge.apply('0', report(2, 3_660));
    assert.equal(merge.counts.openWindows, 1);
    merge.results(1, false);
    assert.equal(merge.counts.openWindows, 0);
    merge.apply('0', encodeFacts([fact(3, 'w', 'd')]));
    assert.equal(merge.counts.afterClose, 1);
  });
});

describe('logins of a partition that had been idle', () => {
  /** Partition 1 was idle when its slice, `1`, last told of it; partition 0 has gone on by two hours. */
  function idling(): LoginMerge {
    const merge = new LoginMerge('job', [0, 1], RULES);
    merge.apply('1', encodeFacts([fact(1, 'u', 'd')]));
    merge.apply('1', report(1, 10, 'idle', 1));
    merge.apply('0', encodeFacts([fact(5, 'v', 'd')]));
    merge.apply('0', report(1, 7_200));
    return merge;
  }
  function restarted(merge: LoginMerge): LoginMerge {
    const again = new LoginMerge('job', [0, 1], RULES);
    again.restore(merge.snapshot());
    return again;
  }
  /** Logins of the windows that are final. */
  const final = (merge: LoginMerge, ...behind: string[]): number[] =>
    merge
      .results(1, false, new Set(behind))
      .flatMap((one) =>
        one.kind === 'window' && one.dimension === 'all' && one.status === 'final' ? [one.logins] : [],
      );

  const table: [what: string, merge: () => LoginMerge, behind: string[], final: number[]][] = [
    ['are not waited for while all is read that the slices have told', idling, [], [2]],
    ['nor while another slice has told more', idling, ['0'], [2]],
    ['are waited for while their slice has told more', idling, ['1'], []],
    ['are not waited for after a restart of the stage', () => restarted(idling()), [], [2]],
    ['but while any slice has told more', () => restarted(idling()), ['0'], []],
  ];
  for (const [what, merge, behind, expected] of table)
    it(what, () => assert.deepEqual(final(merge(), ...behind), expected));

  it('count in their windows, for which nobody has waited in vain', () => {
    const merge = idling();
    assert.deepEqual(final(merge, '1'), []);
    merge.apply('1', encodeFacts([fact(2, 'w', 'e')]));
    merge.apply('1', report(2, 20, 'reading', 1));
    assert.deepEqual(final(merge), [], 'it is read again');
    merge.apply('1', report(2, 20, 'idle', 1));
    assert.deepEqual(final(merge), [3]);
    assert.deepEqual([merge.counts.afterClose, merge.counts.lateForAlerts], [0, 0]);
  });
});

describe('the merge stage', () => {
  const facts = fc.array(
    fc
      .tuple(fc.nat(1_300), fc.nat(6), fc.nat(6), fc.nat(3))
      .map(([atS, user, device, patch]) => fact(atS, `u${user}`, `d${device}`, `1.0.${patch}`)),
    { maxLength: 120 },
  );
  const plain = (insights: ReadonlyMap<string, LoginInsight>): string[] =>
    [...insights]
      .filter(([, one]) => one.kind === 'window' || one.kind === 'alert')
      .map(([key, one]) => `${key} ${JSON.stringify({ ...one, members: [] })}`)
      .sort();

  it('tells the same whatever the order of logins and wherever it restarts', () => {
    fc.assert(
      fc.property(facts, fc.integer(), fc.nat(9), (given, salt, every) => {
        const one = newMerge();
        one.apply('0', encodeFacts(given));
        const shuffled = [...given]
          .map((value, i) => ({ value, rank: Math.imul(i + 1, salt | 1) >>> 0 }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ value }) => value);
        let other = newMerge();
        const state = new Map<string, StateRecord>();
        const kept = new Map<string, LoginInsight>();
        shuffled.forEach((login, i) => {
          other.apply('0', encodeFacts([login]));
          if (i % (every + 1) !== 0) return;
          // Told only where an alert begins: nothing is final before the end.
          for (const insight of other.results(1, false)) kept.set(insightKey(insight), insight);
          for (const record of other.snapshot()) state.set(record.key, record);
          other = newMerge();
          other.restore([...state.values()]);
        });
        const last = told(other, given.length);
        assert.deepEqual(plain(new Map([...kept, ...last])), plain(told(one, given.length)));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps a bounded number of records, whatever changes how often', () => {
    const merge = newMerge();
    const keys = new Set<string>();
    for (let i = 0; i < 500; i++) {
      merge.apply('0', encodeFacts([fact(i % 600, `u${i % 3}`, `d${i % 3}`)]));
      for (const { key, value } of merge.snapshot()) {
        if (!key.startsWith('alert/')) continue;
        if (value === null) keys.delete(key);
        else keys.add(key);
      }
    }
    assert.ok(keys.size <= 65, `${keys.size} records`);
  });

  it('fails where the slices told of other clean logins than they counted', () => {
    const merge = newMerge();
    merge.apply('0', encodeFacts([fact(1, 'u', 'd')]));
    merge.apply('0', report(2, 1, 'ended'));
    assert.throws(
      () => merge.requireComplete(),
      (error) => error instanceof PipelineError && error.code === 'IDENTITY_BROKEN',
    );
  });
});
