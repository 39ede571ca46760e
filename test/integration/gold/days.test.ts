import assert from 'node:assert/strict';
import { join } from 'node:path';
import { execa } from 'execa';
import { addDays } from '../../../src/core/day.js';
import { goldDayWorkflowId, CONTROL_QUEUE, goldStagingPrefix } from '../../../src/core/ids.js';
import type { Answer, EventAnswer } from '../../../src/generate/answer.js';
import { userIdRange } from '../../../src/generate/keys.js';
import { generateAll } from '../../../src/generate/generate.js';
import { connectTemporal } from '../../../src/clients/temporal.js';
import { DaysFailedError, type GoldBackfillResult } from '../../../src/index.js';
import { packageRoot } from '../../../src/package-root.js';
import { tellCutDays } from '../../../src/provision/cut.js';
import {
  assertGoldIs,
  attemptsOf,
  DAYS,
  expectedDay,
  FIRST_DAY,
  generated,
  goldRows,
  stagingTables,
} from '../../support/gold.js';
import { eventOf } from '../../support/gold-stack.js';
import { useGoldStack } from '../../support/use-gold-stack.js';
import { today } from '../../support/utc-day.js';

const SEED = 71;

describe('gold of a day, on the whole pipeline', function () {
  this.timeout(120_000);
  const gold = useGoldStack();
  const [day, other] = DAYS as [string, string];
  let answer: Answer;
  /** What the collection of events holds in the end: the generated ones and those a test adds. */
  let events: EventAnswer[];

  const assertDay = (of: string) => assertGoldIs(gold().clickhouse, { users: answer.users, events }, of);

  before(async () => {
    ({ answer } = await generateAll(gold().stack.config, generated(SEED, { users: 300, events: 6_000 })));
    events = [...answer.events];
  });

  it('is the exact answer in every column, for every day, when all are computed at once', async () => {
    const runs = await Promise.all(DAYS.map((of) => gold().tidemark.gold.run({ day: of })));
    for (const run of runs) {
      const { rows, unknown } = expectedDay(answer, run.day);
      assert.ok(rows.length > 50 && unknown.events > 0, 'a day worth computing');
      await assertDay(run.day);
      assert.deepEqual(
        {
          status: run.status,
          reused: run.reused,
          isFinal: run.isFinal,
          forced: run.forced,
          rowsWritten: Number(run.rowsWritten),
          events: Number(run.events),
          unknownUsers: Number(run.unknownUsers),
          unknownEvents: Number(run.unknownEvents),
        },
        {
          status: 'complete',
          reused: false,
          isFinal: true,
          forced: false,
          rowsWritten: rows.length,
          events: rows.reduce((sum, row) => sum + row.total_events, 0),
          unknownUsers: unknown.users,
          unknownEvents: unknown.events,
        },
      );
      assert.ok(Number(run.rowsRead) >= Number(run.events), 'what was read is counted');
      assert.match(run.codeVersion, /^\d+\.\d+\.\d+\+gold\.[0-9a-f]{8}$/);
      assert.deepEqual(Object.keys(run.positions).sort(), ['mongo.commerce.events', 'postgres.public.users']);
      assert.deepEqual(await stagingTables(gold().clickhouse, run.day), []);
    }
  });

  it('answers with the recorded run when asked again, and computes nothing', async () => {
    const [before] = await attemptsOf(gold().clickhouse, day);
    const again = await gold().tidemark.gold.run({ day });
    assert.equal(again.reused, true);
    assert.equal(again.runId, before?.run_id);
    assert.equal((await attemptsOf(gold().clickhouse, day)).length, 1);
  });

  it('runs once for all who ask at the same time, and the rows are the same', async () => {
    const askers = ['a', 'b', 'c', 'd', 'e'];
    const runs = await Promise.all(
      askers.map((requestedBy) => gold().tidemark.gold.run({ day, force: true, requestedBy })),
    );
    assert.equal(new Set(runs.map(({ runId }) => runId)).size, 1);
    assert.ok(runs.every(({ forced, isFinal, reused }) => forced && isFinal && !reused));
    assert.deepEqual(runs[0]?.requestedBy.split(', ').sort(), askers);
    await assertDay(day);
  });

  it('answers every caller when calls and ends of runs meet', async () => {
    const callers = Array.from({ length: 4 }, async (_, caller) => {
      for (let i = 0; i < 4; i++) {
        const run = await gold().tidemark.gold.run({ day, force: caller % 2 === 0 });
        assert.equal(run.status, 'complete');
        if (caller % 2 === 0) assert.equal(run.reused, false, 'who forces gets a computation');
      }
    });
    await Promise.all(callers);
    await assertDay(day);
    assert.deepEqual(await stagingTables(gold().clickhouse, day), []);
  });

  it('computes a day anew after a late event, an event that left it, and one deleted', async () => {
    const known = answer.users[0]?.user_id ?? '';
    const late = eventOf('gold-late', known, 'login', `${day}T23:59:59.999Z`);
    const first = eventOf('gold-first', known, 'login', `${day}T00:00:00.000Z`);
    await gold().events.insertMany([late.stored, first.stored]);
    events.push(late.answer, first.answer);
    assert.equal((await gold().tidemark.gold.run({ day })).reused, false);
    await assertDay(day);

    const moved = eventOf('gold-late', known, 'login', `${other}T12:00:00.000Z`);
    await gold().events.updateOne({ _id: 'gold-late' }, { $set: { ts: moved.stored.ts } });
    await gold().events.deleteOne({ _id: 'gold-first' });
    events.splice(-2, 2, moved.answer);
    const both = await Promise.all([day, other].map((of) => gold().tidemark.gold.run({ day: of })));
    assert.deepEqual(
      both.map(({ reused }) => reused),
      [false, false],
    );
    await Promise.all([day, other].map(assertDay));
    assert.equal((await gold().tidemark.gold.run({ day })).reused, true);
  });

  it('computes a day anew when an unknown user becomes known, but not when a known one changes', async () => {
    const stranger = '7100000000000001';
    const event = eventOf('gold-stranger', stranger, 'login', `${other}T01:02:03.004Z`);
    await gold().events.insertOne(event.stored);
    events.push(event.answer);
    const before = await gold().tidemark.gold.run({ day: other });
    await assertDay(other);
    const user = { user_id: stranger, full_name: 'Jane', email: 'jane@example.com' };
    await gold().postgres.query('INSERT INTO users (user_id, full_name, email) VALUES ($1, $2, $3)', [
      user.user_id,
      user.full_name,
      user.email,
    ]);
    const after = await gold().tidemark.gold.run({ day: other });
    assert.equal(after.reused, false);
    assert.equal(Number(after.unknownUsers), Number(before.unknownUsers) - 1);
    const times = { created_at: '', updated_at: '' };
    answer = { ...answer, users: [...answer.users, { ...user, ...times, is_deleted: false }] };
    await assertDay(other);

    await gold().postgres.query("UPDATE users SET full_name = 'Joan' WHERE user_id = $1", [stranger]);
    assert.equal((await gold().tidemark.gold.run({ day: other })).reused, true);
    await assertDay(other);
    await gold().tidemark.gold.run({ day: other, force: true });
    answer = {
      ...answer,
      users: answer.users.map((one) => (one.user_id === stranger ? { ...one, full_name: 'Joan' } : one)),
    };
    await assertDay(other);
  });

  it('gives an empty day no rows, and empties a day whose last event is gone', async () => {
    const empty = addDays(FIRST_DAY, -30);
    const run = await gold().tidemark.gold.run({ day: empty });
    assert.deepEqual([run.rowsWritten, run.events, run.isFinal], ['0', '0', true]);
    const only = eventOf('gold-only', answer.users[0]?.user_id ?? '', 'login', `${empty}T06:00:00.000Z`);
    await gold().events.insertOne(only.stored);
    assert.equal((await gold().tidemark.gold.run({ day: empty })).rowsWritten, '1');
    await gold().events.deleteOne({ _id: 'gold-only' });
    const emptied = await gold().tidemark.gold.run({ day: empty });
    assert.deepEqual([emptied.reused, emptied.rowsWritten], [false, '0']);
    assert.deepEqual(await goldRows(gold().clickhouse, empty), []);
  });

  it('computes a day anew after a cut, whose rows come from no message, and once only', async () => {
    const { clickhouse, tidemark } = gold();
    const cut = addDays(FIRST_DAY, -25);
    const event = eventOf('gold-cut', answer.users[0]?.user_id ?? '', 'login', `${cut}T06:00:00.000Z`);
    await gold().events.insertOne(event.stored);
    assert.equal((await tidemark.gold.run({ day: cut })).rowsWritten, '1');
    // What provisioning does to an event that a new snapshot did not show.
    await clickhouse.command({
      query: `INSERT INTO silver_events
              SELECT * REPLACE (1 AS is_deleted, version + 1 AS version, -1 AS partition, 0 AS offset, now64(3) AS ingested_at)
              FROM silver_events FINAL WHERE day = '${cut}' AND event_id = '"gold-cut"'`,
    });
    const after = await tidemark.gold.run({ day: cut });
    assert.deepEqual([after.reused, after.rowsWritten], [false, '0']);
    assert.equal((await tidemark.gold.run({ day: cut })).reused, true);
  });

  it('computes a day anew that was read while a cut was being written', async () => {
    const { clickhouse, tidemark, stack } = gold();
    const cut = addDays(FIRST_DAY, -22);
    const event = eventOf('gold-cutting', answer.users[0]?.user_id ?? '', 'login', `${cut}T06:00:00.000Z`);
    await gold().events.insertOne(event.stored);
    await tidemark.gold.run({ day: cut });
    // Made before the run began, and seen after it had read.
    await clickhouse.command({
      query: `INSERT INTO silver_events
              SELECT * REPLACE (1 AS is_deleted, version + 1 AS version, -1 AS partition, 0 AS offset, now64(3) - INTERVAL 1 HOUR AS ingested_at)
              FROM silver_events FINAL WHERE day = '${cut}' AND event_id = '"gold-cutting"'`,
    });
    assert.equal((await tidemark.gold.run({ day: cut })).reused, true, 'its own time does not tell');
    const written = await clickhouse.query({
      query: `SELECT toString(version) AS version FROM silver_events WHERE day = '${cut}' AND partition = -1`,
      format: 'JSONEachRow',
    });
    const [row] = await written.json<{ version: string }>();
    await tellCutDays({ clickhouse, config: stack.config }, row!.version);
    const after = await tidemark.gold.run({ day: cut });
    assert.deepEqual([after.reused, after.rowsWritten], [false, '0']);
    assert.equal((await tidemark.gold.run({ day: cut })).reused, true);
  });

  it('shows users without events as zeros', async () => {
    const { from, to } = userIdRange(SEED);
    const answerOf = await gold().clickhouse.query({
      query: `SELECT countIf(total_events = 0) AS idle, count() AS users, uniqExact(user_id) AS distinct
              FROM gold_user_activity_with_zeros(day = '${day}') 
              WHERE user_id IN (SELECT user_id FROM users) AND user_id >= ${from} AND user_id < ${to}`,
      format: 'JSONEachRow',
    });
    const [found] = await answerOf.json<{ idle: string; users: string; distinct: string }>();
    const isOwn = (id: string) => BigInt(id) >= BigInt(from) && BigInt(id) < BigInt(to);
    const live = answer.users.filter((user) => !user.is_deleted && isOwn(user.user_id));
    const active = new Set(expectedDay({ users: answer.users, events }, day).rows.map((row) => row.user_id));
    assert.deepEqual(found, {
      idle: String(live.filter((user) => !active.has(user.user_id)).length),
      users: String(live.length),
      distinct: String(live.length),
    });
  });

  it('refuses a day in the future, and an unfinished one unless forced', async () => {
    const day = await today();
    const { gold: client } = gold().tidemark;
    await assert.rejects(client.run({ day: addDays(day, 1) }), { code: 'DAY_IN_FUTURE' });
    await assert.rejects(client.run({ day }), { code: 'DAY_UNFINISHED' });
    await assert.rejects(client.run({ day: '2024-02-30' }), { code: 'BAD_DAY' });
    const forced = await client.run({ day, force: true });
    assert.deepEqual([forced.forced, forced.isFinal, forced.reused], [true, false, false]);
  });

  it('refuses a day in the future to whoever starts the workflow by other means', async () => {
    const temporal = await connectTemporal(gold().stack.config);
    try {
      const future = addDays(await today(), 2);
      const start = temporal.workflow.execute('goldDay', {
        workflowId: goldDayWorkflowId(future),
        taskQueue: CONTROL_QUEUE,
        args: [{ day: future, force: true }],
      });
      await assert.rejects(
        start,
        (error: Error & { cause?: { type?: string } }) => error.cause?.type === 'DAY_IN_FUTURE',
      );
      assert.deepEqual(await attemptsOf(gold().clickhouse, future), []);
    } finally {
      await temporal.connection.close();
    }
  });

  /** A backfill of which the first day fails and the second does not. */
  async function namesFailedDays(from: string): Promise<void> {
    const to = addDays(from, 1);
    const { tidemark, stack } = gold();
    await assert.rejects(tidemark.gold.backfill({ from, to }), (error: unknown) => {
      assert.ok(error instanceof DaysFailedError);
      const { planned, computed, failed } = error.result;
      assert.deepEqual([planned, computed], [2, 1]);
      assert.deepEqual(
        failed.map(({ day, code }) => [day, code]),
        [[from, 'GOLD_CHECK_FAILED']],
      );
      return true;
    });
    const program = join(packageRoot, 'dist/src/cli/main.js');
    const args = ['--data-dir', stack.dataDir, 'gold', 'backfill', from, to];
    const cli = (...more: string[]) =>
      execa(process.execPath, [program, ...args, ...more], { reject: false });
    const told = await cli('--json');
    const { failed } = JSON.parse(told.stdout) as GoldBackfillResult;
    assert.deepEqual([told.exitCode, failed.map(({ day }) => day)], [1, [from]]);
    const shown = await cli();
    assert.equal(shown.exitCode, 1);
    assert.match(shown.stdout, new RegExp(`${from} +GOLD_CHECK_FAILED +.*outside of the day`));
    assert.match(shown.stderr, /1 of 1 days failed, .*\(DAYS_FAILED\)$/);
  }

  it('drops what dead attempts have left of a day, and of no other day', async () => {
    const dead = `${goldStagingPrefix(day)}dead_1`;
    const elsewhere = `${goldStagingPrefix(other)}dead_1`;
    for (const name of [dead, elsewhere]) {
      await gold().clickhouse.command({ query: `CREATE TABLE ${name} AS gold_user_activity` });
    }
    await gold().tidemark.gold.run({ day, force: true });
    assert.deepEqual(await stagingTables(gold().clickhouse, day), []);
    assert.deepEqual(await stagingTables(gold().clickhouse, other), [elsewhere]);
    await gold().tidemark.gold.run({ day: other, force: true });
    assert.deepEqual(await stagingTables(gold().clickhouse, other), []);
  });

  it('keeps the rows it had when the checks fail, and says so', async () => {
    const { clickhouse, tidemark } = gold();
    const checked = addDays(FIRST_DAY, -20);
    const event = eventOf(
      'gold-checked',
      answer.users[0]?.user_id ?? '',
      'login',
      `${checked}T06:00:00.000Z`,
    );
    await gold().events.insertOne(event.stored);
    await tidemark.gold.run({ day: checked });
    const before = await goldRows(clickhouse, checked);
    assert.equal(before.length, 1);
    // No message can make such a row: it lies under one day and happened on another.
    await clickhouse.command({
      query: `INSERT INTO silver_events (day, event_id, user_id, event_type, ts, version, offset)
              VALUES ('${checked}', '"corrupt"', ${event.answer.user_id}, 'login', '${other} 00:00:00', 1, 1000000000)`,
    });
    try {
      await assert.rejects(tidemark.gold.run({ day: checked }), {
        code: 'GOLD_CHECK_FAILED',
        message: /events outside of the day/,
      });
      assert.deepEqual(await goldRows(clickhouse, checked), before);
      assert.deepEqual(await stagingTables(clickhouse, checked), []);
      const recorded = (await attemptsOf(clickhouse, checked)).map(({ status }) => status);
      assert.deepEqual(recorded, ['complete', 'failed', 'abandoned', 'abandoned', 'abandoned']);
      const view = await tidemark.gold.show({ day: checked });
      assert.equal(view.lastAttempt?.errorCode, 'GOLD_CHECK_FAILED');
      assert.equal(view.run?.rowsWritten, '1');
      await namesFailedDays(checked);
    } finally {
      await clickhouse.command({
        query: `ALTER TABLE silver_events DELETE WHERE event_id = '"corrupt"'`,
        clickhouse_settings: { mutations_sync: '2' },
      });
    }
    await tidemark.gold.run({ day: checked, force: true });
    assert.deepEqual(await goldRows(clickhouse, checked), before);
  });
});
