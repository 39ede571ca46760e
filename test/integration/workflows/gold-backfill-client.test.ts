import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { DaysFailedError } from '../../../src/client/gold-backfill.js';
import { addDays } from '../../../src/core/day.js';
import { callBackfills } from '../../support/backfill-by-client.js';
import { FROM, RUN_DAYS } from '../../support/backfill-scenarios.js';
import { serverInRealTime, usePlay } from '../../support/workflow-server.js';

/** What the public client makes of a backfill; the activities are fakes. */
describe('client of goldBackfill', function () {
  this.timeout(120_000);
  const calling = usePlay(serverInRealTime, callBackfills);
  const range = (days: number) => ({ from: FROM, to: addDays(FROM, days - 1) });

  it('names every failed day to its caller, with what has come of the others', () =>
    calling(async (gold, fakes) => {
      fakes.planDays(5);
      fakes.failing.set(addDays(FROM, 1), ApplicationFailure.nonRetryable('no rows', 'GOLD_CHECK_FAILED'));
      fakes.failing.set(addDays(FROM, 3), ApplicationFailure.nonRetryable('late', 'TIMEOUT'));
      const options = { ...range(5), parallelism: 1 };
      await assert.rejects(gold.backfill(options), (error: unknown) => {
        assert.ok(error instanceof DaysFailedError);
        assert.deepEqual([error.code, error.retryable], ['DAYS_FAILED', false]);
        const { planned, failedDays, failed } = error.result;
        assert.deepEqual([planned, failedDays], [5, 2]);
        assert.deepEqual(failed, [
          { day: addDays(FROM, 3), code: 'TIMEOUT', message: 'late' },
          { day: addDays(FROM, 1), code: 'GOLD_CHECK_FAILED', message: 'no rows' },
        ]);
        return true;
      });
    }));

  it('attaches by the selection, in whichever order it is named, also to a second run of the workflow', () =>
    calling(async (gold, fakes) => {
      const days = RUN_DAYS + 6;
      fakes.planDays(days);
      fakes.hold(RUN_DAYS + 2);
      const options = { ...range(days), parallelism: 8 };
      const both = ['users-changed', 'code-changed'] as const;
      const first = gold.backfill({ ...options, selection: { stale: true, also: both } });
      await fakes.untilRan(RUN_DAYS + 3);
      const selection = { stale: true, also: [...both].reverse() };
      let second: Promise<unknown> | undefined;
      // It has attached once it is told how far that is.
      await new Promise((onProgress) => {
        second = gold.backfill({ ...range(days), selection, onProgress });
      });
      fakes.lift();
      assert.deepEqual(await second, await first);
      assert.equal(fakes.ran.length, days);
    }));

  it('refuses another selection, or another number of days at once, while one is under way', () =>
    calling(async (gold, fakes) => {
      fakes.planDays(4);
      fakes.hold();
      const running = gold.backfill({ ...range(4), parallelism: 2 });
      await fakes.untilRan(2);
      await assert.rejects(gold.backfill({ ...range(4), selection: { all: true } }), {
        code: 'BACKFILL_RUNNING',
        message: /with another selection is under way$/,
      });
      await assert.rejects(gold.backfill({ ...range(4), parallelism: 3 }), {
        code: 'BACKFILL_RUNNING',
        message: /computes 2 days at once, not 3, is under way$/,
      });
      fakes.lift();
      await running;
    }));
});
