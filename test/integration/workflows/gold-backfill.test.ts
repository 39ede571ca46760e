import assert from 'node:assert/strict';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { addDays } from '../../../src/core/day.js';
import type { GoldBackfillResult } from '../../../src/messages.js';
import { BACKFILL_SCENARIOS, FROM, playBackfill, YEARS } from '../../support/backfill-scenarios.js';
import { serverInRealTime, usePlay } from '../../support/workflow-server.js';

/** The decisions of the workflow alone; the activities are fakes. */
describe('workflow goldBackfill', function () {
  this.timeout(120_000);
  const playing = usePlay(serverInRealTime, playBackfill);

  it('runs every planned day once, newest first, behind one barrier, no more at once than allowed', async () => {
    const { result, fakes } = await playing(BACKFILL_SCENARIOS.computed);
    assert.deepEqual(
      fakes.ran.map(({ day }) => day),
      Array.from({ length: 7 }, (_, i) => addDays(FROM, 6 - i)),
    );
    assert.equal(fakes.mostAtOnce, 2);
    assert.ok(fakes.ran.every(({ barrier }) => barrier.complete && barrier.positions.events?.[0] === '9'));
    assert.deepEqual([result?.planned, result?.computed, result?.reused, result?.failedDays], [7, 6, 1, 0]);
  });

  it('a failed day stops no other, and is reported at the end', async () => {
    const { failure, fakes } = await playing(BACKFILL_SCENARIOS.failed);
    assert.ok(failure instanceof ApplicationFailure);
    assert.equal(failure.type, 'DAYS_FAILED');
    assert.match(failure.message, /1 of 5 days failed, the first 2023-01-03 \(no rows\)/);
    const [result] = failure.details as [GoldBackfillResult];
    assert.deepEqual(result.failed, [{ day: '2023-01-03', code: 'GOLD_CHECK_FAILED', message: 'no rows' }]);
    assert.equal(fakes.ran.length, 5);
  });

  it('paused, it starts no further day until it is resumed', async () => {
    const { result, fakes } = await playing(BACKFILL_SCENARIOS.paused);
    assert.equal(result?.planned, 6);
    assert.equal(new Set(fakes.ran.map(({ day }) => day)).size, 6);
  });

  it('cancelled, it finishes the days under way and starts no other', async () => {
    const { failure, fakes } = await playing(BACKFILL_SCENARIOS.cancelled);
    assert.ok(failure instanceof CancelledFailure);
    assert.equal(fakes.ran.length, 2);
  });

  it('by the schedule: the days before today', async () => {
    const { result } = await playing(BACKFILL_SCENARIOS.daily);
    assert.equal(addDays(result!.from, 2), result!.to);
    assert.ok(Date.parse(result!.to) < Date.now());
  });

  it('a bad range is refused before anything begins', async () => {
    const range = { from: '2023-02-01', to: '2023-01-01' };
    const { failure, fakes } = await playing({ name: 'bad-range', days: 1, input: { range } });
    assert.ok(failure instanceof ApplicationFailure);
    assert.equal(failure.type, 'BAD_RANGE');
    assert.deepEqual(fakes.ran, []);
  });

  it('years of days go on from run to run, each with a history of bounded length', async () => {
    const { result, handle, fakes } = await playing(YEARS);
    assert.equal(result!.computed + result!.reused, 600);
    assert.equal(new Set(fakes.ran.map(({ day }) => day)).size, 600);
    assert.equal(fakes.ran.length, 600, 'no day twice');
    const { runId, historyLength } = await handle.describe();
    assert.notEqual(runId, handle.firstExecutionRunId);
    assert.ok(historyLength < 10_000, `${historyLength} events`);
  });
});
