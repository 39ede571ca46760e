import assert from 'node:assert/strict';
import { WorkflowFailedError, type ScheduleUpdateOptions } from '@temporalio/client';
import type { DayRange, GoldBackfillInput } from '../../../src/messages.js';
import { waitUntil } from '../../../src/wait-until.js';
import { ScheduleRuns } from '../../support/schedule-runs.js';
import { useGoldStack } from '../../support/use-gold-stack.js';

/** A range that every run of it is refused for at once. */
const REFUSED = { from: '2999-01-01', to: '2999-01-01' };
/** Days of nothing that keep a run busy until it is ended. */
const A_YEAR = { from: '2014-01-01', to: '2014-12-31' };
const EVERY_MS = 2_000;

/**
 * Temporal takes notice of a run that failed when the next one is due, and after somebody has described the schedule. So
 * between a failure and what is tested nothing here describes it.
 */
describe('the schedule gold-daily, when its run fails', function () {
  this.timeout(60_000);
  const gold = useGoldStack();
  const schedule = () => gold().tidemark.schedule;
  let runs: ScheduleRuns;

  before(async () => {
    runs = await ScheduleRuns.open(gold().stack.config);
  });

  beforeEach(async () => {
    await schedule().apply();
    await schedule().resume('a test');
    await compute(REFUSED);
  });

  after(() => runs.close());

  /** What every further run is to compute, and by which clock. */
  const compute = (range: DayRange, at: Partial<Pick<ScheduleUpdateOptions, 'spec'>> = {}): Promise<void> =>
    runs.schedule.update((now) => {
      const [input] = now.action.args as [GoldBackfillInput];
      return { ...now, ...at, action: { ...now.action, args: [{ ...input, range }] } };
    });

  async function failedRun(): Promise<void> {
    const run = await runs.next();
    await assert.rejects(
      run.result(),
      ({ cause }: Error) => (cause as { type?: string }).type === 'BAD_RANGE',
    );
  }

  it('is paused by one that the clock has started, with a note, and starts no other', async () => {
    const { info: before } = await runs.schedule.describe();
    await compute(REFUSED, { spec: { intervals: [{ every: EVERY_MS }] } });
    await failedRun();
    const enoughMs = Date.now() + 4 * EVERY_MS;
    await waitUntil('further times to pass', () => Promise.resolve(Date.now() > enoughMs), {
      timeoutMs: 5 * EVERY_MS,
    });
    const { state, info } = await runs.schedule.describe();
    assert.ok(state.paused);
    assert.match(state.note ?? '', /paused due to workflow failure/i);
    assert.equal(info.numActionsTaken, before.numActionsTaken + 1);
  });

  it('is paused by one that was triggered, and who looks first sees it', async () => {
    await schedule().trigger();
    await failedRun();
    const { paused, note } = await schedule().show();
    assert.deepEqual([paused, /failure/.test(note)], [true, true]);
  });

  it('stays paused when it is applied before anybody has looked', async () => {
    for (const at of ['01:00', '02:00', '03:00']) {
      await schedule().trigger();
      await failedRun();
      await schedule().apply({ at });
      const { paused, at: applied } = await schedule().show();
      assert.deepEqual([paused, applied], [true, at]);
      await schedule().resume('a test');
      await compute(REFUSED);
    }
  });

  it('goes on when it is resumed before anybody has looked', async () => {
    await schedule().trigger();
    await failedRun();
    await schedule().resume('seen to');
    for (let look = 0; look < 3; look++) {
      const { paused, note } = await schedule().show();
      assert.deepEqual([paused, note], [false, 'seen to']);
    }
  });

  it('is found paused by the verification that looks first', async () => {
    await schedule().trigger();
    await failedRun();
    const { checks } = await gold().tidemark.verify.run({ only: ['temporal-schedule'], retries: 0 });
    assert.deepEqual(
      checks.map(({ verdict, summary }) => [verdict, /is paused/.test(summary)]),
      [['Failed', true]],
    );
  });

  it('is not paused by one that somebody ended', async () => {
    await compute(A_YEAR);
    for (const end of ['cancel', 'terminate'] as const) {
      await schedule().trigger();
      const run = await runs.next();
      await run[end]();
      await assert.rejects(run.result(), WorkflowFailedError);
      const { paused } = await schedule().show();
      assert.equal(paused, false);
    }
  });
});
