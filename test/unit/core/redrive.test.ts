import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deadLetterHeaders, type DeadLetter } from '../../../src/core/dead-letter.js';
import {
  redriveVerdict,
  RedriveTally,
  type RedriveSelection,
  type RedriveVerdict,
  type RemedyVerdict,
} from '../../../src/core/redrive.js';
import { RedrivenOffsets } from '../../../src/core/redriven.js';

const LETTER: DeadLetter = {
  stage: 'validate',
  reason: 'MISSING_IP',
  reasons: ['MISSING_IP'],
  source: { topic: 'user-login', topicId: 'a'.repeat(32), partition: 0, offset: 1, timestampMs: 2 },
  job: 'logins',
  attempt: 0,
  failedAtMs: 3,
};
const CLEAN: RemedyVerdict = { outcome: 'clean', key: null, value: Buffer.from('clean') };
const DEAD: RemedyVerdict = { outcome: 'dlq', reason: 'INVALID_IP' };
const LEFT_OUT: RemedyVerdict = { outcome: 'filtered', reason: 'TOMBSTONE' };

const verdict = (
  letter: Partial<DeadLetter>,
  says: RemedyVerdict,
  selection: RedriveSelection = {},
  isDone = false,
): RedriveVerdict =>
  redriveVerdict(
    { value: Buffer.from('bytes'), headers: deadLetterHeaders({ ...LETTER, ...letter }) },
    () => says,
    selection,
    isDone,
  );

describe('what becomes of a dead letter', () => {
  const late = { stage: 'late', reason: 'TOO_LATE' } as const;
  const cases: readonly [string, RedriveVerdict, string, string?][] = [
    ['passes today', verdict({}, CLEAN), 'passes'],
    ['does not pass', verdict({}, DEAD), 'failing', 'INVALID_IP'],
    ['would be left out', verdict({}, LEFT_OUT), 'filtered', 'TOMBSTONE'],
    ['was redriven before', verdict({}, CLEAN, {}, true), 'done'],
    ['is of a reason asked for', verdict({}, CLEAN, { reasons: ['MISSING_IP'] }), 'passes'],
    ['is of another reason', verdict({}, CLEAN, { reasons: ['INVALID_IP'] }), 'unselected'],
    ['is of the job asked for', verdict({}, CLEAN, { job: 'logins' }), 'passes'],
    ['is of another job', verdict({}, CLEAN, { job: 'others' }), 'unselected'],
    ['was redriven and is of another reason', verdict({}, CLEAN, { reasons: [] }, true), 'unselected'],
    ['was too late', verdict(late, CLEAN), 'failing', 'TOO_LATE'],
    ['was too late, which is accepted', verdict(late, CLEAN, { acceptLate: true }), 'passes'],
    ['was too late and is broken', verdict(late, DEAD, { acceptLate: true }), 'failing', 'INVALID_IP'],
    ['was redriven twice', verdict({ attempt: 2 }, CLEAN), 'passes'],
    ['was redriven three times', verdict({ attempt: 3 }, CLEAN), 'held'],
    [
      'is none',
      redriveVerdict(
        { value: null, headers: [] },
        () => assert.fail('asked about a record of others'),
        {},
        false,
      ),
      'foreign',
    ],
  ];
  for (const [name, found, kind, today] of cases) {
    it(`that ${name}: ${kind}`, () => {
      assert.equal(found.kind, kind);
      if ('today' in found) assert.equal(found.today, today);
      else assert.equal(today, undefined);
    });
  }

  it('is counted by the reason it is one for, and by what is wrong today', () => {
    const tally = new RedriveTally({ 'passes/MISSING_IP': 2 });
    for (const [, found] of cases.slice(0, 4)) tally.add(found);
    assert.deepEqual(tally.counts, {
      'passes/MISSING_IP': 3,
      'failing/MISSING_IP': 1,
      'today/INVALID_IP': 1,
      'filtered/MISSING_IP': 1,
      'today/TOMBSTONE': 1,
      'done/MISSING_IP': 1,
    });
  });
});

describe('offsets that were redriven', () => {
  it('are remembered through any snapshots and restarts, and no others', () => {
    const place = fc.record({ partition: fc.nat(3), offset: fc.oneof(fc.nat(20_000), fc.maxSafeNat()) });
    fc.assert(
      fc.property(fc.array(fc.array(place)), fc.array(place), (runs, others) => {
        const state = new Map<string, Buffer | null>();
        const known = new Set<string>();
        for (const run of runs) {
          const redriven = new RedrivenOffsets();
          redriven.restore([...state].map(([key, value]) => ({ key, value })));
          for (const { partition, offset } of run) {
            redriven.add(partition, offset);
            known.add(`${partition}:${offset}`);
          }
          for (const { key, value } of redriven.snapshot()) state.set(key, value);
          assert.deepEqual(redriven.snapshot(), []);
        }
        const last = new RedrivenOffsets();
        last.restore([...state].map(([key, value]) => ({ key, value })));
        for (const { partition, offset } of [...runs.flat(), ...others]) {
          assert.equal(last.has(partition, offset), known.has(`${partition}:${offset}`));
        }
      }),
    );
  });
});
