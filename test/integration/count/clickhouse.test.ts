import assert from 'node:assert/strict';
import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse } from '../../../src/clients/clickhouse.js';
import { connectKafka } from '../../../src/clients/kafka.js';
import { Tidemark } from '../../../src/client.js';
import { FRAMES_TOPIC, UNIQUE_USERS_TOPIC } from '../../../src/core/names.js';
import type { ExactCount } from '../../../src/generate/frames-answer.js';
import type { CountInput, CountPlan } from '../../../src/messages.js';
import { migrateClickHouse } from '../../../src/provision/migrate.js';
import { createTopics } from '../../../src/provision/topics.js';
import { waitUntil } from '../../../src/wait-until.js';
import { CountScene } from '../../chaos/count/scene.js';
import { useStack } from '../../support/stack.js';

interface Check {
  readonly window: string;
  readonly start: string;
  readonly status: string;
  readonly users: string;
  readonly exact_users: string | null;
  readonly frames: string;
  readonly exact_frames: string | null;
  readonly error: number;
  readonly sigmas: number | null;
  readonly sketch_agrees: number;
}

describe('integration: unique users in ClickHouse', function () {
  this.timeout(180_000);
  this.slow(60_000);
  const stack = useStack(['kafka', 'clickhouse'], { own: true });
  let scene: CountScene;
  let clickhouse: ClickHouseClient;
  let plan: CountPlan;

  before(async () => {
    const { config } = stack();
    await createTopics(connectKafka(config));
    await migrateClickHouse(config);
    clickhouse = connectClickHouse(config);
    scene = new CountScene(config, FRAMES_TOPIC);
    const faults = { flips: 30, malformed: 20, lateShare: 0.02, lateS: 600 };
    await scene.fill({ frames: 60_000, users: 4_000, bytes: 150, perSecond: 40, ...faults });
    plan = await count({ job: 'check' });
  });
  after(() => Promise.all([scene?.close(), clickhouse?.close()]));

  const count = async (input: Partial<CountInput> & { readonly job: string }): Promise<CountPlan> => {
    const planned = await scene.planForGood({ target: UNIQUE_USERS_TOPIC, ...input });
    await scene.countCalmly(planned);
    return planned;
  };

  /** The checks of a job, once ClickHouse has all of its results and sketches, and so many frames. */
  const checks = (of: CountPlan, frames: number): Promise<Check[]> =>
    waitUntil(
      `frames, results and sketches of ${of.job} in ClickHouse`,
      async () => {
        const { results, sketches, quarantined } = await scene.outcome(of);
        const [there] = await ask<Record<string, string>>(`
          SELECT (SELECT count() FROM frame_users FINAL) AS frames, (SELECT count() FROM unique_users WHERE job = '${of.job}') AS results,
                 (SELECT count() FROM unique_users_sketches WHERE job = '${of.job}') AS sketches,
                 (SELECT count() FROM unique_users_jobs FINAL WHERE job = '${of.job}') AS ranges,
                 (SELECT count() FROM frames_quarantine FINAL WHERE job = '${of.job}') AS rejected`);
        const isThere =
          Number(there?.frames) >= frames &&
          Number(there?.results) === results.size &&
          Number(there?.sketches) === sketches.size &&
          Number(there?.ranges) === of.source.partitions &&
          Number(there?.rejected) === quarantined.length;
        const check = `SELECT * FROM unique_users_check(job = '${of.job}') ORDER BY window, start`;
        return isThere && ask<Check>(check);
      },
      { timeoutMs: 60_000 },
    );

  /** Says of every result that it is right by the sketch and the frames that ClickHouse has. */
  const assertRight = (rows: readonly Check[]): void => {
    for (const row of rows) {
      const at = JSON.stringify(row);
      assert.equal(row.status === 'provisional', false, at);
      assert.equal(row.frames, row.exact_frames, at);
      assert.equal(row.sketch_agrees, 1, at);
      if (row.error === 0) assert.equal(row.users, row.exact_users, at);
      else assert.ok(Math.abs(row.sigmas!) < 4.5, at);
    }
  };

  const ask = async <T>(query: string): Promise<T[]> =>
    (await clickhouse.query({ query, format: 'JSONEachRow' })).json<T>();

  it('holds every result, agrees with its sketch, and is within its bound of the exact count', async () => {
    const rows = await checks(plan, 60_000 - 20);
    assert.equal(rows.length, scene.answers.length);
    assert.equal((await scene.outcome(plan)).quarantined.length, 50);
    assertRight(rows);
    const exact = new Map(scene.answers.map((answer) => [answer.window, answer]));
    const day = rows.find(({ window }) => window === 'day')!;
    assert.equal(Number(day.exact_users), exact.get('day')!.users);
    assert.ok(day.error > 0, 'the day is dense, so that both kinds of sketch were looked at');
    assert.ok(rows.some(({ error }) => error === 0));
  });

  it('unites the sketches of windows: exact ones to the exact count, dense ones to the same registers', async () => {
    const [united] = await ask<{ users: string; same: number }>(`
      WITH (SELECT length(groupUniqArrayArray(hashes)) FROM unique_users_sketches
            WHERE job = 'check' AND window = 'minute' AND start >= '2016-07-11 14:00:00') AS users,
           (SELECT maxForEach(registers) FROM unique_users_sketches WHERE job = 'check' AND window = 'hour') AS hours,
           (SELECT registers FROM unique_users_sketches WHERE job = 'check' AND window = 'day') AS day
      SELECT users, length(day) > 0 AND hours = day AS same`);
    const hour = scene.answers.find(
      ({ window, start }) => window === 'hour' && start === '2016-07-11T14:00:00Z',
    );
    assert.equal(Number(united?.users), hour!.users);
    assert.equal(united?.same, 1);
  });

  it('is what `tidemark.count.show` gives', async () => {
    const tidemark = new Tidemark(stack().config);
    try {
      const [day] = await tidemark.count.show({ job: 'check', window: 'day' });
      const { results } = await scene.outcome(plan);
      const { window, start, end, users, error, frames } = day!;
      assert.equal(
        JSON.stringify({ window, start, end, users, error, frames }),
        results.get('day/2016-07-11T00:00:00Z'),
      );
    } finally {
      await tidemark.close();
    }
  });

  it('says where results are that ClickHouse does not read', async () => {
    const apart = await scene.planForGood({ job: 'apart' });
    const tidemark = new Tidemark(stack().config);
    try {
      const says = await waitUntil(
        'ClickHouse to know of the job',
        () =>
          tidemark.count.show({ job: apart.job }).then(
            () => false as const,
            (error: unknown) => String(error),
          ),
        { timeoutMs: 60_000 },
      );
      assert.match(
        says,
        /results of count apart: they are in topic apart\.results, and ClickHouse reads unique-users/,
      );
    } finally {
      await tidemark.close();
    }
  });

  it('counts exactly what each of several jobs counts: its own range, without what it has refused itself', async () => {
    const before = new Set(scene.answers);
    const fromMs = Date.now();
    // A day on, so that time has moved on and nothing of it is late for the first frames.
    await scene.fill({ seed: 2, frames: 9_000, users: 700, bytes: 150, perSecond: 40, fromS: 1_468_330_740 });
    const hasty = await count({ job: 'hasty', latenessS: 30 });
    const rest = await count({ job: 'rest', from: fromMs });
    const hastyRows = await checks(hasty, 69_000 - 20);
    assertRight(hastyRows);
    const frames = (rows: readonly Check[]): number =>
      rows.filter(({ window }) => window === 'year').reduce((sum, row) => sum + Number(row.frames), 0);
    const checked = await checks(plan, 69_000 - 20);
    assertRight(checked);
    assert.equal(frames(checked), 60_000 - 50);
    assert.ok(frames(hastyRows) < 69_000 - 50 - 100, 'more than a hundred were too late for the hasty one');

    const restRows = await checks(rest, 69_000 - 20);
    assertRight(restRows);
    const exact = (answers: readonly ExactCount[]): string[] =>
      answers
        .map(({ window, start, frames: of }) => `${window} ${start.replace(/T(.*)Z/, ' $1')} ${of}`)
        .sort();
    assert.deepEqual(
      restRows.map((row) => `${row.window} ${row.start} ${row.exact_frames}`).sort(),
      exact(scene.answers.filter((answer) => !before.has(answer))),
    );
  });

  it('holds what is counted before 1970 and after 2106', async () => {
    const ages = [-1, 7_258_118_400].map((atS) => ({ atS, year: new Date(1_000 * atS).getUTCFullYear() }));
    assert.deepEqual(
      ages.map(({ year }) => year),
      [1969, 2200],
    );
    const fromMs = Date.now();
    await scene.write(ages.flatMap(({ atS }) => Array<object>(8).fill({ ts: atS, uid: `user of ${atS}` })));
    const rows = await checks(await count({ job: 'ages', from: fromMs, confirmFrames: 1 }), 69_000 - 20 + 16);
    assertRight(rows);
    assert.deepEqual(
      rows.map(({ window, start, users, frames }) => `${window} ${start} ${users} ${frames}`),
      [
        'day 1969-12-31 00:00:00 1 8',
        'day 2200-01-01 00:00:00 1 8',
        'hour 1969-12-31 23:00:00 1 8',
        'hour 2200-01-01 00:00:00 1 8',
        'minute 1969-12-31 23:59:00 1 8',
        'minute 2200-01-01 00:00:00 1 8',
        'month 1969-12-01 00:00:00 1 8',
        'month 2200-01-01 00:00:00 1 8',
        'week 1969-12-29 00:00:00 1 8',
        'week 2199-12-30 00:00:00 1 8',
        'year 1969-01-01 00:00:00 1 8',
        'year 2200-01-01 00:00:00 1 8',
      ],
    );
  });

  it('compares nothing where it has not the frames as the job counts them', async () => {
    const rows = await checks(await count({ job: 'by-time', idFields: ['f0'] }), 0);
    assert.ok(rows.length > 0);
    for (const { exact_users, exact_frames } of rows)
      assert.deepEqual([exact_users, exact_frames], [null, null]);
  });
});
