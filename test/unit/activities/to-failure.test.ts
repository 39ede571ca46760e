import assert from 'node:assert/strict';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { toFailure, withFailures } from '../../../src/activities/to-failure.js';
import { PipelineError } from '../../../src/core/errors.js';

describe('activities/to-failure', () => {
  for (const retryable of [true, false]) {
    it(`keeps code, message, coordinates and that it is ${retryable ? '' : 'not '}retryable`, () => {
      const cause = new Error('password=hunter2');
      const failure = toFailure(
        new PipelineError('KAFKA_FAILED', 'reading: no', {
          retryable,
          at: { topic: 't', offset: '7' },
          cause,
        }),
      );
      assert.ok(failure instanceof ApplicationFailure);
      assert.deepEqual(
        [failure.type, failure.message, failure.nonRetryable, failure.details],
        ['KAFKA_FAILED', 'reading: no', !retryable, [{ topic: 't', offset: '7' }]],
      );
      assert.equal(failure.cause, undefined, 'a foreign message may quote a secret');
    });
  }

  it("leaves Temporal's own failures as they are", () => {
    const cancelled = new CancelledFailure('cancelled');
    assert.equal(toFailure(cancelled), cancelled);
  });

  it('makes a bug final and names its kind, but never quotes it', () => {
    const failure = toFailure(new TypeError('cannot read "Jane Doe"'));
    assert.ok(failure instanceof ApplicationFailure);
    assert.deepEqual([failure.type, failure.nonRetryable], ['UNFORESEEN', true]);
    assert.equal(failure.message, 'meeting an unforeseen TypeError');
    assert.doesNotMatch(failure.stack ?? '', /Jane/);
    assert.match(failure.stack ?? '', /to-failure\.test/);
  });

  it('takes anything that was thrown', () => {
    assert.match((toFailure('oops') as Error).message, /^meeting an unforeseen string$/);
  });

  it('wraps every activity of a set', async () => {
    const wrapped = withFailures({
      right: (input: number) => Promise.resolve(input + 1),
      wrong: () => Promise.reject(new PipelineError('NO', 'no')),
    });
    assert.equal(await wrapped.right(1), 2);
    await assert.rejects(wrapped.wrong(), { name: 'ApplicationFailure', type: 'NO' });
  });
});
