import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  combine,
  selectChecks,
  summarise,
  type CheckResult,
  type Verdict,
} from '../../../src/core/verification.js';

const P = 'Passed';
const F = 'Failed';
const I = 'Inconclusive';
const result = (verdict: Verdict, hop = 'kafka'): CheckResult => ({
  check: `check of ${hop}`,
  hop,
  verdict,
  summary: '',
  evidence: {},
  durationMs: 1,
  attempts: 1,
});
const results = (verdicts: readonly Verdict[]): CheckResult[] => verdicts.map((verdict) => result(verdict));

describe('the verdict of a deployment', () => {
  const table: [readonly Verdict[], number, number, Verdict][] = [
    // results, failureLimit, errorLimit, verdict
    [[P], 0, 0, P],
    [[P, P, P], 0, 0, P],
    [[P, F], 0, 0, F],
    [[P, I], 0, 0, I],
    [[F, I], 0, 0, F],
    [[I, F, P], 0, 0, F],
    [[F, P], 1, 0, P],
    [[F, F, P], 1, 0, F],
    [[I, P], 0, 1, P],
    [[I, I, P], 0, 1, I],
    [[F, I], 1, 0, I],
    [[F, I], 1, 1, P],
    [[F, F, I, I], 1, 1, F],
    [[F, F, I, I], 2, 1, I],
    [[], 0, 0, I],
    [[], 9, 9, I],
  ];
  for (const [verdicts, failureLimit, errorLimit, expected] of table) {
    it(`${verdicts.join(', ') || 'nothing'} within ${failureLimit} failures, ${errorLimit} errors: ${expected}`, () => {
      assert.equal(combine(results(verdicts), { failureLimit, errorLimit }), expected);
    });
  }

  const verdicts = fc.array(fc.constantFrom<Verdict>(P, F, I), { minLength: 1, maxLength: 12 });

  it('without limits is Passed only when every check has passed', () => {
    fc.assert(
      fc.property(verdicts, (given) => {
        const verdict = combine(results(given), { failureLimit: 0, errorLimit: 0 });
        assert.equal(
          verdict === P,
          given.every((one) => one === P),
        );
      }),
    );
  });

  it('does not depend on the order of the checks', () => {
    const limits = fc.record({ failureLimit: fc.nat(3), errorLimit: fc.nat(3) });
    fc.assert(
      fc.property(verdicts, limits, (given, limit) => {
        assert.equal(combine(results(given), limit), combine(results([...given].reverse()), limit));
      }),
    );
  });

  it('is said in one line, with the hops that did not pass, each once', () => {
    const all = [
      result(P, 'kafka'),
      result(F, 'postgres'),
      result(F, 'postgres'),
      result(F, 'clickhouse'),
      result(I, 'mongo'),
    ];
    assert.equal(
      summarise(all, 'Failed'),
      'Failed: 1 of 5 checks passed; failed at postgres, clickhouse; not known of mongo',
    );
    assert.equal(summarise([result(P)], 'Passed'), 'Passed: 1 of 1 checks passed');
  });
});

describe('choosing checks', () => {
  const all = ['kafka', 'connect', 'canary'];
  const table: [{ only?: string[]; skip?: string[] }, string[]][] = [
    [{}, all],
    [{ only: ['canary', 'kafka'] }, ['kafka', 'canary']],
    [{ skip: ['connect'] }, ['kafka', 'canary']],
    [{ only: ['kafka', 'connect'], skip: ['kafka'] }, ['connect']],
  ];
  for (const [given, expected] of table) {
    it(JSON.stringify(given), () => assert.deepEqual(selectChecks(all, given), expected));
  }

  it('refuses names that are none, all at once, and a choice that leaves nothing', () => {
    assert.throws(() => selectChecks(all, { only: ['kafak'], skip: ['conect'] }), {
      code: 'BAD_CHECKS',
      message: /there is no kafak, conect; there are kafka, connect, canary/,
    });
    assert.throws(() => selectChecks(all, { only: ['kafka'], skip: ['kafka'] }), { code: 'BAD_CHECKS' });
    assert.throws(() => selectChecks(all, { only: [] }), { code: 'BAD_CHECKS' });
  });
});
