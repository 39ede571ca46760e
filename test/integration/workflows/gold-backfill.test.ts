import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { addDays } from '../../../src/core/day.js';
import type { GoldBackfillResult } from '../../../src/messages.js';
import { waitUntil } from '../../../src/wait-until.js';
import { backfillPause, backfillResume } from '../../../src/workflows/definitions.js';
import {
  BACKFILL_SCENARIOS,
  CANCELLED_BETWEEN_RUNS,
  FROM,
  playBackfill,
  RUN_DAYS,
  YEARS,
  type BackfillHandle,
} from '../../support/backfill-scenarios.js';
import { serverInRealTime, usePlay } from '../../support/workflow-server.js';

/** Answer of the query that Temporal's UI asks. */
interface WorkflowMetadata {
  readonly currentDetails?: string;
}

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

  it("shows in the UI's details that it waits, is paused and goes on", async () => {
    const shown: string[] = [];
    const look = async (handle: BackfillHandle) => {
      const { currentDetails } = await handle.query<WorkflowMetadata>('__temporal_workflow_metadata');
      shown.push(currentDetails ?? '');
    };
    await playing({
      name: 'shown',
      days: 3,
      given: (fakes) => {
        fakes.hold();
        fakes.gate.arrived = false;
        fakes.gate.pass = () => delay(50);
      },
      meanwhile: async (handle, fakes) => {
        const waits = () =>
          Promise.resolve(fakes.gate.asked.filter((name) => name === 'awaitMark').length > 1);
        await waitUntil('the gate', waits, { timeoutMs: 30_000, everyMs: 20 });
        await look(handle);
        fakes.gate.arrived = true;
        await fakes.untilRan(2);
        await handle.signal(backfillPause);
        await look(handle);
        await handle.signal(backfillResume);
        await look(handle);
        fakes.lift();
      },
    });
    const two = '\\(2023-01-03, 2023-01-02\\)$';
    const expected = [
      '^waiting for silver \\(the mark\\)$',
      `^paused: 0 of 3 days ${two}`,
      `^computing: 0 of 3 days ${two}`,
    ];
    for (const [i, line] of expected.entries()) assert.match(shown[i] ?? '', new RegExp(line));
  });

  it('cancelled, it finishes the days under way and starts no other', async () => {
    const { failure, fakes } = await playing(BACKFILL_SCENARIOS.cancelled);
    assert.ok(failure instanceof CancelledFailure);
    assert.equal(fakes.ran.length, 2);
  });

  it('cancelled while the last days of a long run are finished, it does not go on in another', async () => {
    const { failure, fakes } = await playing(CANCELLED_BETWEEN_RUNS);
    assert.ok(failure instanceof CancelledFailure);
    assert.equal(fakes.ran.length, RUN_DAYS);
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

  it('gives up a shut gate without advice that there is no option for', async () => {
    const { failure } = await playing({
      name: 'gate-timeout',
      days: 1,
      input: { gateTimeoutMs: 100 },
      given: (fakes) => {
        fakes.gate.arrived = false;
        fakes.gate.pass = () => delay(100);
      },
    });
    assert.ok(failure instanceof ApplicationFailure);
    assert.match(failure.message, /gave up waiting for the mark$/);
  });

  it('years of days go on from run to run behind one barrier, each with a history of bounded length', async () => {
    const { result, handle, fakes } = await playing(YEARS);
    assert.equal(result!.computed + result!.reused, 600);
    assert.equal(new Set(fakes.ran.map(({ day }) => day)).size, 600);
    assert.equal(fakes.ran.length, 600, 'no day twice');
    assert.equal(fakes.gate.asked.filter((step) => step === 'freezeEnds').length, 1);
    for (const { barrier } of fakes.ran) assert.deepEqual(barrier, fakes.ran[0]!.barrier);
    assert.notEqual((await handle.describe()).runId, handle.firstExecutionRunId);
    const first = handle.client.getHandle(handle.workflowId, handle.firstExecutionRunId);
    const { historyLength, status } = await first.describe();
    assert.equal(status.name, 'CONTINUED_AS_NEW');
    assert.ok(historyLength > RUN_DAYS && historyLength < 10_000, `${historyLength} events`);
  });
});
