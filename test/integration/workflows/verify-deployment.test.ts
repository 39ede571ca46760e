import assert from 'node:assert/strict';
import type { CheckResult } from '../../../src/messages.js';
import { playVerify, VERIFY_SCENARIOS, type VerifyOutcome } from '../../support/verify-scenarios.js';
import { serverThatSkipsTime, usePlay } from '../../support/workflow-server.js';

/** The decisions of the workflow alone, on a server that skips time; the activities are fakes. */
describe('workflow verifyDeployment', function () {
  this.timeout(60_000);
  const playing = usePlay(serverThatSkipsTime, playVerify);
  const ofCheck = ({ result }: VerifyOutcome, name: string): CheckResult | undefined =>
    result?.checks.find(({ check }) => check === name);

  it('makes the hops side by side, then the canary, then the contents; records what it came to', async () => {
    const { result, fakes } = await playing(VERIFY_SCENARIOS.passed);
    assert.equal(result?.verdict, 'Passed');
    assert.equal(result.summary, 'Passed: 4 of 4 checks passed');
    const { steps } = fakes;
    assert.deepEqual(new Set(steps.slice(0, 4)), new Set(['tables', '/tables', 'workers', '/workers']));
    assert.deepEqual(steps.slice(4), ['canary', '/canary', 'content', '/content']);
    assert.deepEqual(
      result.checks.map(({ check, hop, attempts }) => [check, hop, attempts]),
      fakes.plan.map(({ check, hop }) => [check, hop, 1]),
    );
    assert.deepEqual(fakes.records, [result]);
    assert.equal(result.recorded, true);
    assert.equal(result.codeVersion, 'v');
  });

  it('asks both task queues for who wants to know, and only then', async () => {
    const { fakes } = await playing(VERIFY_SCENARIOS.passed);
    const probesOf = (name: string) => fakes.inputs.find(({ check }) => check === name)?.probes;
    assert.deepEqual(
      probesOf('workers')?.map(({ answeredBy }) => answeredBy?.host),
      ['tidemark-control', 'tidemark-stream'],
    );
    assert.deepEqual(probesOf('tables'), []);
  });

  it('hands in that a task queue is silent', async () => {
    const { fakes } = await playing(VERIFY_SCENARIOS.workerSilent);
    assert.deepEqual(
      fakes.inputs[0]?.probes.map(({ taskQueue, answeredBy }) => [taskQueue, answeredBy === null]),
      [
        ['tidemark-control', false],
        ['tidemark-stream', true],
      ],
    );
  });

  it('makes a check again until it passes, and says how often', async () => {
    const outcome = await playing(VERIFY_SCENARIOS.retried);
    assert.equal(outcome.result?.verdict, 'Passed');
    const tables = ofCheck(outcome, 'tables');
    assert.equal(tables?.attempts, 3);
    assert.ok(tables.durationMs >= 60_000, `${tables.durationMs} ms`);
    assert.ok(outcome.tookMs >= 60_000);
  });

  it('fails once retries are used up, with the finding; the later stages are made all the same', async () => {
    const outcome = await playing(VERIFY_SCENARIOS.failed);
    assert.equal(outcome.result?.verdict, 'Failed');
    assert.match(outcome.result.summary, /failed at hop of tables$/);
    const { verdict, attempts, next, evidence } = ofCheck(outcome, 'tables')!;
    assert.deepEqual([verdict, attempts, next, evidence], ['Failed', 2, 'make it', { table: 't' }]);
    assert.equal(ofCheck(outcome, 'content')?.verdict, 'Passed');
    assert.equal(outcome.ended, undefined, 'what is broken is no failure of the workflow');
  });

  it('keeps separate limits for failures and errors, and waits before it begins', async () => {
    const { result, tookMs } = await playing(VERIFY_SCENARIOS.within);
    assert.equal(result?.verdict, 'Passed');
    assert.deepEqual(result.checks.map(({ verdict }) => verdict).sort(), [
      'Failed',
      'Inconclusive',
      'Passed',
      'Passed',
    ]);
    assert.ok(tookMs >= 60_000, `${tookMs} ms`);
  });

  it('is inconclusive when a check could not be made', async () => {
    const outcome = await playing(VERIFY_SCENARIOS.checkBreaks);
    assert.equal(outcome.result?.verdict, 'Inconclusive');
    const canary = ofCheck(outcome, 'canary');
    assert.equal(canary?.summary, 'meeting an unforeseen Error');
    assert.deepEqual(canary.evidence, { error: 'UNFORESEEN' });
  });

  it('removes a canary whose check was cut off, and no other', async () => {
    assert.equal((await playing(VERIFY_SCENARIOS.checkBreaks)).fakes.canariesRemoved, 1);
    assert.equal((await playing(VERIFY_SCENARIOS.passed)).fakes.canariesRemoved, 0);
  });

  it('gives its verdict although ClickHouse does not take the record', async () => {
    const { result } = await playing(VERIFY_SCENARIOS.unrecorded);
    assert.deepEqual([result?.verdict, result?.recorded], ['Passed', false]);
  });

  it('names all who asked', async () => {
    const { result } = await playing(VERIFY_SCENARIOS.joined);
    assert.equal(result?.requestedBy, 'first, second');
  });

  it('refuses what is no check', async () => {
    const { ended, fakes } = await playing(VERIFY_SCENARIOS.refused);
    assert.equal(ended, 'BAD_CHECKS');
    assert.deepEqual(fakes.inputs, []);
  });

  it('cancelled, it waits until its checks have cleaned up', async () => {
    const { ended, fakes } = await playing(VERIFY_SCENARIOS.cancelled);
    assert.equal(ended, 'cancelled');
    assert.equal(fakes.cleanedUp, 2);
    assert.deepEqual(fakes.records, []);
  });
});
