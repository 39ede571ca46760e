import assert from 'node:assert/strict';
import { addDays, type Day } from '../../../src/core/day.js';
import type { GoldDayState } from '../../../src/index.js';
import { waitUntil } from '../../../src/wait-until.js';
import { useGoldStack } from '../../support/use-gold-stack.js';
import { today } from '../../support/utc-day.js';

/** What all tests here take at most: none of them may see the day end. */
const LONGEST_MS = 5 * 60_000;

describe('the schedule gold-daily', function () {
  this.timeout(120_000);
  const gold = useGoldStack();
  const schedule = () => gold().tidemark.schedule;
  let dates: { readonly from: Day; readonly to: Day };
  let earlier: Day;
  const states = () => gold().tidemark.gold.status(dates);
  const until = (what: string, is: (days: GoldDayState[]) => boolean) =>
    waitUntil(what, async () => is(await states()), { timeoutMs: 60_000, everyMs: 250 });

  before(async function () {
    this.timeout(2 * LONGEST_MS);
    const day = await today(LONGEST_MS);
    dates = { from: addDays(day, -3), to: addDays(day, -1) };
    earlier = addDays(day, -2);
  });

  it('is not there until it is applied', async () => {
    await assert.rejects(schedule().show(), { code: 'NO_SCHEDULE' });
    await assert.rejects(schedule().trigger(), { code: 'NO_SCHEDULE' });
  });

  it('is refused when it makes no sense', async () => {
    for (const options of [
      { at: '24:00' },
      { at: '1:00' },
      { lastDays: 0 },
      { lastDays: 1.5 },
      { catchUpHours: 0 },
    ]) {
      await assert.rejects(schedule().apply(options), { code: 'BAD_SCHEDULE' });
    }
  });

  it('has every policy set, and is changed by applying it again, which resumes nothing', async () => {
    await schedule().apply();
    await schedule().pause('a test');
    await schedule().apply({ at: '02:45', lastDays: 3, catchUpHours: 12 });
    const { at, lastDays, catchUpHours, paused, pauseOnFailure, overlap, note } = await schedule().show();
    assert.deepEqual(
      { at, lastDays, catchUpHours, paused, pauseOnFailure, overlap, note },
      {
        at: '02:45',
        lastDays: 3,
        catchUpHours: 12,
        paused: true,
        pauseOnFailure: true,
        overlap: 'BUFFER_ONE',
        note: 'a test',
      },
    );
    await schedule().resume('a test');
    const { nextAtMs } = await schedule().show();
    assert.match(new Date(nextAtMs[0] ?? 0).toISOString(), /T02:45:00/);
  });

  it('computes the previous day and what else of the last days needs it', async () => {
    await schedule().trigger();
    await until('all days to be complete', (days) => days.every(({ state }) => state === 'complete'));
    const { recent } = await schedule().show();
    assert.match(recent.at(-1)?.workflowId ?? '', /^gold-daily-/);
  });

  it('a day that fails is reported, and mended by a later run', async () => {
    const { clickhouse } = gold();
    const wrong = (version: number, isDeleted: 0 | 1) =>
      clickhouse.command({
        query: `INSERT INTO silver_events (day, event_id, user_id, event_type, ts, payload, is_deleted, version, partition, offset)
                SELECT '${earlier}', '"schedule-wrong"', user_id, 'login', toDateTime64('2001-01-01 00:00:00', 3, 'UTC'), '{}',
                       ${isDeleted}, ${version}, -1, 0 FROM users LIMIT 1`,
      });
    await gold().postgres.query(
      "INSERT INTO users (user_id, full_name, email) VALUES (7400000000000001, 'Sched Ule', 's@example.com')",
    );
    await gold().tidemark.gold.run({ day: dates.to });
    // An event that no message could make: the checks refuse its day.
    await wrong(1, 0);
    await schedule().trigger();
    await until('the day to fail', (days) =>
      days.some(({ day, state }) => day === earlier && state === 'failed'),
    );
    const failed = (await states()).find(({ day }) => day === earlier);
    assert.deepEqual([failed?.state, failed?.errorCode], ['failed', 'GOLD_CHECK_FAILED']);
    await wrong(2, 1);
    await schedule().trigger();
    await until('the day to be mended', (days) => days.every(({ state }) => state === 'complete'));
  });
});
