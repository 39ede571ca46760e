import assert from 'node:assert/strict';
import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse } from '../../../src/clients/clickhouse.js';
import { connectKafka } from '../../../src/clients/kafka.js';
import { Tidemark } from '../../../src/client.js';
import { FRAMES_TOPIC, UNIQUE_USERS_TOPIC } from '../../../src/core/names.js';
import type { CountPlan } from '../../../src/messages.js';
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
  readonly exact_users: string;
  readonly frames: string;
  readonly exact_frames: string;
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
    plan = await scene.plan({ job: 'check', target: UNIQUE_USERS_TOPIC });
    await scene.countCalmly(plan);
  });
  after(() => Promise.all([scene?.close(), clickhouse?.close()]));

  const ask = async <T>(query: string): Promise<T[]> =>
    (await clickhouse.query({ query, format: 'JSONEachRow' })).json<T>();

  it('holds every result, agrees with its sketch, and is within its bound of the exact count', async () => {
    const windows = scene.answers.length;
    const rows = await waitUntil(
      'frames, results and sketches in ClickHouse',
      async () => {
        const [{ frames, results, sketches, rejected } = {}] = await ask<Record<string, string>>(`
          SELECT (SELECT count() FROM frame_users FINAL) AS frames, (SELECT count() FROM unique_users WHERE job = 'check') AS results,
                 (SELECT count() FROM unique_users_sketches WHERE job = 'check') AS sketches,
                 (SELECT count() FROM frames_quarantine FINAL) AS rejected`);
        const isThere =
          Number(frames) >= 60_000 - 20 &&
          Number(results) === windows &&
          Number(sketches) === windows &&
          Number(rejected) === 50;
        return (
          isThere && ask<Check>(`SELECT * FROM unique_users_check(job = 'check') ORDER BY window, start`)
        );
      },
      { timeoutMs: 60_000 },
    );
    assert.equal(rows.length, windows);
    for (const row of rows) {
      const at = JSON.stringify(row);
      assert.equal(row.status === 'provisional', false, at);
      assert.equal(row.frames, row.exact_frames, at);
      assert.equal(row.sketch_agrees, 1, at);
      if (row.error === 0) assert.equal(row.users, row.exact_users, at);
      else assert.ok(Math.abs(row.sigmas!) < 4.5, at);
    }
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
});
