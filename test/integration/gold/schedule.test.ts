import assert from 'node:assert/strict';
import { addDays, daysBetween, type Day } from '../../../src/core/day.js';
import { settledSchedule } from '../../../src/clients/settled-schedule.js';
import { GOLD_SCHEDULE_ID } from '../../../src/core/ids.js';
import { timedAttempts } from '../../support/gold-attempts.js';
import { eventOf } from '../../support/gold-stack.js';
import { ScheduleRuns } from '../../support/schedule-runs.js';
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
  let runs: ScheduleRuns;

  before(async function () {
    this.timeout(2 * LONGEST_MS);
    const day = await today(LONGEST_MS);
    dates = { from: addDays(day, -3), to: addDays(day, -1) };
    earlier = addDays(day, -2);
    runs = await ScheduleRuns.open(gold().stack.config);
  });

  after(() => runs.close());

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

  const now = async () => {
    const { at, lastDays, catchUpHours } = await schedule().show();
    return { at, lastDays, catchUpHours };
  };

  it('keeps what is not named when it is applied again', async () => {
    let expected = await now();
    for (const options of [{ catchUpHours: 6 }, { at: '02:50' }, { lastDays: 2 }, { lastDays: 3 }, {}]) {
      await schedule().apply(options);
      expected = { ...expected, ...options };
      assert.deepEqual(await now(), expected);
    }
    await assert.rejects(schedule().apply({ lastDays: 0 }), { code: 'BAD_SCHEDULE' });
    assert.deepEqual(await now(), expected);
  });

  it('is given the usual time where somebody has left it none', async () => {
    const before = await now();
    await runs.schedule.update((found) => ({ ...found, spec: {} }));
    assert.deepEqual([(await schedule().show()).nextAtMs, (await now()).at], [[], '--:--']);
    await schedule().apply();
    assert.deepEqual(await now(), { ...before, at: '00:30' });
  });

  it('computes the previous day first, then what else of the last days needs it', async () => {
    const user = '7400000000000000';
    await gold().postgres.query(
      "INSERT INTO users (user_id, full_name, email) VALUES ($1, 'Or Der', 'o@example.com')",
      [user],
    );
    const late = daysBetween(dates.from, addDays(dates.to, 1)).map(
      (day) => eventOf(`schedule-${day}`, user, 'login', `${day}T12:00:00Z`).stored,
    );
    await gold().events.insertMany(late);
    const beganMs = Date.now();
    assert.equal(await outcome(), 'completed');
    assert.ok((await states()).every(({ state }) => state === 'complete'));
    const attempts = await timedAttempts(gold().clickhouse, dates);
    const own = attempts.filter(({ startedAtMs }) => startedAtMs >= beganMs);
    assert.deepEqual(
      own.map(({ day, status, requestedBy }) => [day, status, requestedBy]),
      [dates.to, earlier, dates.from].map((day) => [day, 'complete', `schedule ${GOLD_SCHEDULE_ID}`]),
    );
    assert.ok(own.every(({ startedAtMs }, i) => i === 0 || startedAtMs >= own[i - 1]!.finishedAtMs!));
    const { recent } = await schedule().show();
    assert.match(recent.at(-1)?.workflowId ?? '', /^gold-daily-/);
  });

  it('triggered thrice at once, runs, runs once more right after that, and no third time', async () => {
    const { info: before } = await runs.schedule.describe();
    for (let times = 0; times < 3; times++) await schedule().trigger();
    const first = await runs.next();
    await first.result();
    const second = await runs.next();
    await second.result();
    const [{ closeTime }, { startTime }] = [await first.describe(), await second.describe()];
    assert.ok(closeTime !== undefined && startTime >= closeTime);
    const { info } = await settledSchedule(runs.schedule);
    assert.equal(info.numActionsTaken, before.numActionsTaken + 2);
    assert.deepEqual(info.runningActions, []);
  });

  it('a day that fails is reported and pauses it; a later run mends it', async () => {
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
    assert.equal(await outcome(), 'DAYS_FAILED');
    const failed = (await states()).find(({ day }) => day === earlier);
    assert.deepEqual([failed?.state, failed?.errorCode], ['failed', 'GOLD_CHECK_FAILED']);
    const { paused, note } = await schedule().show();
    assert.deepEqual([paused, note.includes(earlier)], [true, true]);
    await wrong(2, 1);
    // By hand it runs although it is paused.
    assert.equal(await outcome(), 'completed');
    assert.ok((await states()).every(({ state }) => state === 'complete'));
    await schedule().resume('mended');
    assert.equal((await schedule().show()).paused, false);
  });

  /** What a run by hand comes to. */
  async function outcome(): Promise<string> {
    await schedule().trigger();
    const run = await runs.next();
    return run.result().then(
      () => 'completed',
      ({ cause }: Error) => (cause as { type?: string }).type ?? 'failed',
    );
  }
});
