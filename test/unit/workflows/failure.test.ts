import assert from 'node:assert/strict';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common';
import { PipelineError } from '../../../src/core/errors.js';
import { failed, faultOf } from '../../../src/workflows/failure.js';

describe('workflows/failure', () => {
  const ofActivity = (cause: Error) =>
    new ActivityFailure(
      'activity failed',
      'computeGold',
      '1',
      RetryState.MAXIMUM_ATTEMPTS_REACHED,
      'worker',
      cause,
    );
  const down = ApplicationFailure.retryable('reading: no answer from Kafka', 'KAFKA_UNREACHABLE');
  /** As the SDK makes it of the server's: the constructor takes no cause. */
  const timeout = (cause?: Error) =>
    Object.assign(new TimeoutFailure('timed out', undefined, TimeoutType.SCHEDULE_TO_CLOSE), { cause });

  const rows: [string, Error, string, RegExp][] = [
    ["an activity's own fault", ofActivity(down), 'KAFKA_UNREACHABLE', /^reading: no answer from Kafka$/],
    [
      "a workflow's own fault",
      ApplicationFailure.nonRetryable('gave up', 'GATE_TIMEOUT'),
      'GATE_TIMEOUT',
      /gave up/,
    ],
    ['one of ours', new PipelineError('DAY_IN_FUTURE', 'no'), 'DAY_IN_FUTURE', /^no$/],
    [
      'a step nobody took',
      ofActivity(timeout()),
      'TIMEOUT',
      /^computeGold: not done in time .*is a worker running\?$/,
    ],
    [
      'a step tried in vain until its time was up',
      ofActivity(timeout(down)),
      'KAFKA_UNREACHABLE',
      /no answer/,
    ],
    ['a cancelled step', ofActivity(new CancelledFailure('cancelled')), 'CANCELLED', /cancelled/],
  ];
  for (const [what, error, code, message] of rows) {
    it(`${what} is ${code}`, () => {
      const fault = faultOf(error);
      assert.equal(fault.code, code);
      assert.match(fault.message, message);
    });
  }

  it('lets a bug through, so that the workflow task fails and not the workflow', () => {
    const bug = new TypeError('x is not a function');
    assert.throws(() => faultOf(bug), bug);
  });

  it('ends a workflow with the code as its type, for good', () => {
    const failure = failed({ code: 'GATE_TIMEOUT', message: 'gave up' });
    assert.deepEqual(
      [failure.type, failure.message, failure.nonRetryable],
      ['GATE_TIMEOUT', 'gave up', true],
    );
  });
});
