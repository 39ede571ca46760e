import assert from 'node:assert/strict';
import { addDays, type Day } from '../../../src/core/day.js';
import { computedTwiceAtOnce, metInTime, timedAttempts } from '../../support/gold-attempts.js';
import { ScheduleRuns } from '../../support/schedule-runs.js';
import { useGoldStack } from '../../support/use-gold-stack.js';
import { today } from '../../support/utc-day.js';

const LONGEST_MS = 3 * 60_000;
/** Days of no events, of which there are enough for two to meet. */
const DAYS = 30;

describe('backfills at the same time', function () {
  this.timeout(LONGEST_MS);
  const gold = useGoldStack();

  it('of different days run side by side', async () => {
    const ranges = (['2012-01-01', '2013-01-01'] as Day[]).map((from) => ({
      from,
      to: addDays(from, DAYS - 1),
    }));
    const results = await Promise.all(ranges.map((range) => gold().tidemark.gold.backfill(range)));
    assert.deepEqual(
      results.map(({ computed }) => computed),
      [DAYS, DAYS],
    );
    const [ones, others] = await Promise.all(ranges.map((range) => timedAttempts(gold().clickhouse, range)));
    assert.deepEqual([ones!.length, others!.length], [DAYS, DAYS]);
    assert.ok(metInTime(ones!, others!), 'a day of one is computed while a day of the other is');
  });

  describe('as the schedule', () => {
    let runs: ScheduleRuns;

    before(async () => {
      runs = await ScheduleRuns.open(gold().stack.config);
    });

    after(() => runs.close());

    it('compute each day once, whoever comes first', async () => {
      const { gold: client, schedule } = gold().tidemark;
      const day = await today(LONGEST_MS);
      const dates = { from: addDays(day, -DAYS), to: addDays(day, -1) };
      await schedule.apply({ lastDays: DAYS });
      const planned = (await client.planBackfill(dates)).map((plan) => plan.day);
      assert.ok(planned.length > DAYS / 2, 'other suites leave most of the days');
      const beganMs = Date.now();
      const [byHand, byClock] = await Promise.all([
        // As many at once as the schedule: who is behind finds days fresh, catches up, and meets the other.
        client.backfill({ ...dates, parallelism: 1 }),
        schedule.trigger().then(async () => (await runs.next()).result()),
      ]);
      assert.deepEqual([byHand.failedDays, byClock.failedDays], [0, 0]);
      assert.ok(byHand.computed + byClock.computed > planned.length, 'some day is the work of both');
      const attempts = (await timedAttempts(gold().clickhouse, dates)).filter(
        ({ startedAtMs }) => startedAtMs >= beganMs,
      );
      assert.deepEqual(computedTwiceAtOnce(attempts), []);
      assert.deepEqual(attempts.map((attempt) => attempt.day).sort(), [...planned].sort());
    });
  });
});
