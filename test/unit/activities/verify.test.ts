import assert from 'node:assert/strict';
import { MockActivityEnvironment } from '@temporalio/testing';
import { passed, type Check } from '../../../src/activities/checks/check.js';
import { createVerifyActivities, type VerifyDeps } from '../../../src/activities/verify.js';
import { serviceFault } from '../../../src/clients/fault.js';
import { PipelineError } from '../../../src/core/errors.js';
import type { Finding } from '../../../src/core/verification.js';

const check = (name: string, run: Check['run'] = () => Promise.resolve(passed(name))): Check => ({
  name,
  hop: 'clickhouse',
  stage: 'hops',
  run,
});

const activities = (checks: readonly Check[]) =>
  createVerifyActivities({ config: {}, checks, codeVersion: 'v' } as unknown as VerifyDeps);

describe('planning a verification', () => {
  const table = [
    check('one'),
    { ...check('two'), applies: () => false },
    { ...check('three'), stage: 'content' as const, timeoutMs: () => 7 },
  ];

  it('gives the checks that apply, each with its stage and its time', async () => {
    const { checks, codeVersion } = await activities(table).planVerification({});
    assert.equal(codeVersion, 'v');
    assert.deepEqual(checks, [
      { check: 'one', hop: 'clickhouse', stage: 'hops', timeoutMs: 30_000, probes: false },
      { check: 'three', hop: 'clickhouse', stage: 'content', timeoutMs: 7, probes: false },
    ]);
  });
});

describe('planning what does not apply', () => {
  const table = [check('one'), { ...check('two'), applies: () => false }];
  const { planVerification } = activities(table);

  it('may be skipped by its name, and not be the only thing asked for', async () => {
    const { checks } = await planVerification({ skip: ['two'] });
    assert.deepEqual(
      checks.map((one) => one.check),
      ['one'],
    );
    await assert.rejects(planVerification({ only: ['two'] }), {
      code: 'BAD_CHECKS',
      message: /two does not apply/,
    });
    await assert.rejects(planVerification({ only: ['four'] }), {
      code: 'BAD_CHECKS',
      message: /there is no four/,
    });
  });
});

describe('making a check', () => {
  const run = (what: Check['run']): Promise<Finding> => {
    const { runCheck } = activities([check('it', what)]);
    return new MockActivityEnvironment().run(runCheck, { check: 'it', options: {}, probes: [] });
  };

  it('answers with what it has found', async () => {
    assert.deepEqual(await run(() => Promise.resolve(passed('well'))), passed('well'));
  });

  const errors: [string, Error, string, RegExp][] = [
    [
      "the hop's own service is away",
      serviceFault('clickhouse', 'asking', { code: 'ECONNREFUSED' }),
      'Failed',
      /no answer from ClickHouse/,
    ],
    [
      'another service is away',
      serviceFault('postgres', 'asking', { code: 'ECONNREFUSED' }),
      'Inconclusive',
      /no answer from PostgreSQL/,
    ],
    [
      'a password is wrong',
      serviceFault('clickhouse', 'asking', { code: '516', type: 'X' }),
      'Inconclusive',
      /refused/,
    ],
    ['a wait is over', new PipelineError('WAITED_TOO_LONG', 'waiting: no'), 'Inconclusive', /waiting: no/],
    ['a bug', new TypeError('secret of row 7'), 'Inconclusive', /^meeting an unforeseen TypeError$/],
  ];
  for (const [what, error, verdict, says] of errors) {
    it(`when ${what}: ${verdict}, and no foreign message gets out`, async () => {
      const finding = await run(() => Promise.reject(error));
      assert.equal(finding.verdict, verdict);
      assert.match(finding.summary, says);
      assert.ok(finding.next);
      assert.doesNotMatch(JSON.stringify(finding), /secret/);
    });
  }

  it('is not answered when it is cancelled', async () => {
    const env = new MockActivityEnvironment();
    const { runCheck } = activities([
      check('it', async (_deps, { signal }) => {
        env.cancel();
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error(`cut off: ${signal.aborted}`);
      }),
    ]);
    await assert.rejects(env.run(runCheck, { check: 'it', options: {}, probes: [] }), {
      name: 'CancelledFailure',
    });
  });
});
