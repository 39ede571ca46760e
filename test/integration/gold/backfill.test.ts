import assert from 'node:assert/strict';
import { join } from 'node:path';
import { execa } from 'execa';
import { addDays } from '../../../src/core/day.js';
import type { Answer, EventAnswer, UserAnswer } from '../../../src/generate/answer.js';
import { generateAll } from '../../../src/generate/generate.js';
import type { GoldBackfillProgress } from '../../../src/index.js';
import { packageRoot } from '../../../src/package-root.js';
import { waitUntil } from '../../../src/wait-until.js';
import { computedTwiceAtOnce, timedAttempts } from '../../support/gold-attempts.js';
import {
  assertGoldIs,
  attemptsOf,
  DAYS,
  GENERATED_DAYS,
  generated,
  stagingTables,
} from '../../support/gold.js';
import { eventOf } from '../../support/gold-stack.js';
import { useGoldStack } from '../../support/use-gold-stack.js';

const SEED = 83;
/** A month of its own: the stack is shared. */
const FROM = '2024-07-01';
const TO = addDays(FROM, GENERATED_DAYS - 1);

describe('backfilling gold, on the whole pipeline', function () {
  this.timeout(180_000);
  const gold = useGoldStack();
  const days = DAYS.map((_, i) => addDays(FROM, i)) as [string, string, string, string];
  const range = { from: FROM, to: TO };
  let answer: Answer;
  let events: EventAnswer[];
  let users: UserAnswer[];

  const states = async () =>
    (await gold().tidemark.gold.status(range)).map(({ day, state, stale }) => [day, state, stale.join('+')]);
  const complete = (): string[][] => days.map((day) => [day, 'complete', '']);
  const assertDays = async (): Promise<void> => {
    for (const day of days) {
      await assertGoldIs(gold().clickhouse, { users, events }, day);
      assert.deepEqual(await stagingTables(gold().clickhouse, day), []);
    }
  };

  before(async () => {
    ({ answer } = await generateAll(
      gold().stack.config,
      generated(SEED, { users: 200, events: 4_000 }, FROM),
    ));
    events = [...answer.events];
    users = [...answer.users];
  });

  it('lists what is missing, newest first, and starts nothing', async () => {
    const plan = await gold().tidemark.gold.planBackfill({ ...range, selection: { missing: true } });
    assert.deepEqual(
      plan.map(({ day, reasons }) => [day, ...reasons]),
      [...days].reverse().map((day) => [day, 'never-computed']),
    );
    assert.deepEqual(
      await states(),
      days.map((day) => [day, 'missing', 'never-computed']),
    );
  });

  it('computes what is missing behind one barrier, and tells how far it is', async () => {
    const told: GoldBackfillProgress[] = [];
    const result = await gold().tidemark.gold.backfill({ ...range, onProgress: (one) => told.push(one) });
    assert.deepEqual(
      [result.planned, result.computed, result.reused, result.failedDays],
      [GENERATED_DAYS, GENERATED_DAYS, 0, 0],
    );
    await assertDays();
    assert.deepEqual(await states(), complete());
    assert.ok(told.length > 0);
    assert.ok(told.every(({ planned, computed }) => planned === 0 || computed <= planned));
  });

  it('finds nothing to do when asked again', async () => {
    const again = await gold().tidemark.gold.backfill(range);
    assert.deepEqual([again.planned, again.computed], [0, 0]);
  });

  it('late, moved and deleted events make exactly the days stale that they touch; one run of --stale mends them', async () => {
    const [first, second, third] = days;
    const [user] = users.filter(({ is_deleted }) => !is_deleted);
    const late = eventOf('backfill-late', user!.user_id, 'login', `${first}T03:04:05Z`);
    await gold().events.insertOne(late.stored);
    // The gate of any run waits for what was just written.
    const touched = async (...stale: string[]): Promise<void> => {
      await gold().tidemark.gold.run({ day: days[3] });
      assert.deepEqual(
        await states(),
        days.map((day) => (stale.includes(day) ? [day, 'stale', 'silver-changed'] : [day, 'complete', ''])),
      );
    };
    const mended = async (planned: number): Promise<void> => {
      const { computed } = await gold().tidemark.gold.backfill({ ...range, selection: { stale: true } });
      assert.equal(computed, planned);
      await assertDays();
      assert.deepEqual(await states(), complete());
    };
    await touched(first);
    events = [...events, late.answer];
    await mended(1);
    const moved = eventOf('backfill-late', user!.user_id, 'login', `${second}T03:04:05Z`);
    await gold().events.updateOne({ _id: moved.stored._id }, { $set: { ts: moved.stored.ts } });
    await touched(first, second);
    const gone = events.find(({ ts }) => new Date(ts).toISOString().startsWith(third))!;
    await gold().events.deleteOne({ _id: idOf(gone) });
    events = [...events.filter((event) => event !== gone && event !== late.answer), moved.answer];
    await touched(first, second, third);
    await mended(3);
  });

  it('a changed user is a reason only when asked for', async () => {
    const { rows } = await gold().postgres.query<{ user_id: string }>(
      `UPDATE users SET full_name = 'Grace Backfilled'
       WHERE user_id = (SELECT user_id FROM users WHERE user_id = ANY($1::bigint[]) ORDER BY user_id LIMIT 1)
       RETURNING user_id`,
      [activeUsers(events, users)],
    );
    const changed = rows[0]!.user_id;
    users = users.map((user) =>
      user.user_id === changed ? { ...user, full_name: 'Grace Backfilled' } : user,
    );
    const active = days.filter((day) =>
      events.some(({ user_id, ts }) => user_id === changed && new Date(ts).toISOString().startsWith(day)),
    );
    const plain = await gold().tidemark.gold.backfill({ ...range, selection: { stale: true } });
    assert.equal(plain.planned, 0);
    const options = { ...range, selection: { stale: true, also: ['users-changed' as const] } };
    const plan = await gold().tidemark.gold.planBackfill(options);
    assert.deepEqual(
      plan.map(({ day, reasons }) => [day, ...reasons]),
      active.reverse().map((day) => [day, 'users-changed']),
    );
    await gold().tidemark.gold.backfill(options);
    await assertDays();
  });

  it('so is another version of the code', async () => {
    const [first] = days;
    await gold().clickhouse.command({
      query: `INSERT INTO ops_gold_runs
              SELECT * REPLACE ('by-other-code' AS run_id, '0.0.1+gold.00000000' AS code_version,
                                recorded.finished_at AS started_at,
                                recorded.finished_at + INTERVAL 1 MILLISECOND AS finished_at)
              FROM ops_gold_runs AS recorded FINAL
              WHERE recorded.day = '${first}' AND recorded.status = 'complete'
              ORDER BY recorded.finished_at DESC LIMIT 1`,
    });
    const changed = async () => (await gold().tidemark.gold.status(range)).map(({ changed }) => [...changed]);
    assert.deepEqual(await states(), complete());
    assert.deepEqual(await changed(), [['code-changed'], [], [], []]);
    const selection = { stale: true, also: ['code-changed' as const] };
    const plain = await gold().tidemark.gold.planBackfill({ ...range, selection: { stale: true } });
    assert.deepEqual(plain, []);
    const plan = await gold().tidemark.gold.planBackfill({ ...range, selection });
    assert.deepEqual(plan, [{ day: first, force: true, reasons: ['code-changed'] }]);
    const { planned, computed } = await gold().tidemark.gold.backfill({ ...range, selection });
    assert.deepEqual([planned, computed], [1, 1]);
    assert.deepEqual(await changed(), [[], [], [], []]);
    await assertDays();
  });

  it('two overlapping backfills and a single run never compute a day twice at once', async () => {
    const { gold: client } = gold().tidemark;
    const all = { selection: { all: true }, parallelism: 4 };
    await Promise.all([
      client.backfill({ ...range, ...all }),
      client.backfill({ from: days[1], to: TO, ...all }),
      client.run({ day: days[2], force: true }),
    ]);
    assert.deepEqual(computedTwiceAtOnce(await timedAttempts(gold().clickhouse, range)), []);
    await assertDays();
  });

  it('is what the example does, by the public client', async () => {
    const [user] = users.filter(({ is_deleted }) => !is_deleted);
    const late = eventOf('backfill-example', user!.user_id, 'login', `${days[1]}T03:04:05Z`);
    await gold().events.insertOne(late.stored);
    events = [...events, late.answer];
    // A plan does not wait for silver, a run does.
    await gold().tidemark.gold.run({ day: days[3] });
    const script = join(packageRoot, 'examples', 'backfill-gold', 'run.mjs');
    const run = (...args: string[]) => execa(process.execPath, [script, ...args], { reject: false });
    const { stdout, stderr } = await run(FROM, TO, gold().stack.dataDir);
    assert.equal(stderr, '');
    const lines = stdout.split('\n');
    assert.deepEqual(lines.slice(0, 2), ['1 days to compute', '1 computed, 0 were fresh by then']);
    assert.deepEqual(
      lines.slice(2, -1).map((line) => line.replace(/\d+ users$/, 'n users')),
      days.map((day) => `${day} complete: n users`),
    );
    assert.match(lines.at(-1) ?? '', new RegExp(`^${TO} computed again: [1-9]\\d* users, [1-9]\\d* events$`));
    await assertDays();
    const refused = await run(TO, FROM, gold().stack.dataDir);
    assert.deepEqual([refused.exitCode, refused.stdout], [1, '']);
    assert.match(refused.stderr, /the first day is after the last \(BAD_RANGE\)$/);
  });

  it('pauses after the days under way, goes on, and can be cancelled', async () => {
    const { gold: client } = gold().tidemark;
    // Years away from the days of other suites, which leave some failed or stale.
    const dates = { from: addDays(FROM, -2_000), to: addDays(FROM, -1_601) };
    let last: GoldBackfillProgress | undefined;
    const running = client.backfill({ ...dates, onProgress: (progress) => (last = progress) });
    running.catch(() => undefined);
    const until = (what: string, is: (progress: GoldBackfillProgress) => boolean) =>
      waitUntil(what, () => Promise.resolve(last !== undefined && is(last)), {
        timeoutMs: 60_000,
        everyMs: 50,
      });
    await until('the first days', ({ computed }) => computed >= 3);
    await waitUntil(
      'a day to be shown as running',
      async () => (await client.status(dates)).some(({ state }) => state === 'running'),
      { timeoutMs: 30_000, everyMs: 10 },
    );
    await client.pauseBackfill(dates);
    await until('the pause', ({ step, detail }) => step === 'paused' && detail === '');
    const { computed } = last!;
    assert.ok(computed < 400);
    await client.resumeBackfill(dates);
    await until('further days', (progress) => progress.computed > computed);
    await assert.rejects(client.backfill({ ...dates, selection: { all: true } }), {
      code: 'BACKFILL_RUNNING',
    });
    await client.cancelBackfill(dates);
    await assert.rejects(running, { code: 'WORKFLOW_ENDED' });
    await assert.rejects(client.pauseBackfill(dates), { code: 'NO_BACKFILL' });
    const left = await client.status(dates);
    const halfDone = left.filter(({ state }) => state !== 'complete' && state !== 'missing');
    assert.deepEqual(halfDone, []);
  });

  it('keeps one record per attempt', async () => {
    for (const day of days) {
      const attempts = await attemptsOf(gold().clickhouse, day);
      assert.ok(attempts.every(({ status }) => status === 'complete'));
    }
  });
});

/** The generator's own ids are plain strings; an answer holds them as extended JSON. */
const idOf = ({ event_id }: EventAnswer): string => JSON.parse(event_id) as string;

const activeUsers = (events: readonly EventAnswer[], users: readonly UserAnswer[]): string[] => {
  const live = new Set(users.filter(({ is_deleted }) => !is_deleted).map(({ user_id }) => user_id));
  return [...new Set(events.map(({ user_id }) => user_id))].filter(
    (id): id is string => id !== null && live.has(id),
  );
};
