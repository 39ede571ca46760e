import assert from 'node:assert/strict';
import { Binary, Decimal128, Double, Int32, Long, ObjectId } from 'mongodb';
import { eventsContent } from '../../../src/activities/checks/events-content.js';
import { usersContent } from '../../../src/activities/checks/users-content.js';
import type { Finding } from '../../../src/core/verification.js';
import { waitUntil } from '../../../src/wait-until.js';
import { select } from '../../support/silver.js';
import { SourceWriter } from '../../support/source-writer.js';
import { useCheckedPipeline } from '../../support/use-pipeline.js';

describe('the content of silver', function () {
  this.timeout(180_000);
  const pipeline = useCheckedPipeline();
  const check = (name: 'users' | 'events', repair: 'none' | 'plan' | 'apply' = 'none'): Promise<Finding> =>
    pipeline().checks.run(name === 'users' ? usersContent : eventsContent, { repair });

  const USERS = 3_000;
  const EVENTS = 400;

  before(async () => {
    const { postgres, db } = pipeline();
    // Other suites have left users of theirs here.
    await postgres.query('DELETE FROM users WHERE user_id BETWEEN 1 AND $1', [7 * USERS]);
    await postgres.query(
      `INSERT INTO users (user_id, full_name, email, created_at)
       SELECT i * 7, 'Name ' || i, i || '@example.com', timestamptz '2024-01-01' + i * interval '1.000001 s'
       FROM generate_series(1, $1) i`,
      [USERS],
    );
    // What is hard to write alike in two engines.
    await postgres.query(`
      INSERT INTO users (user_id, full_name, email, created_at, updated_at) VALUES
      (-9223372036854775808, '', '', '-infinity', 'infinity'),
      (9223372036854775807, 'é漢🧵 "quoted" \\ back''s', E'line\\nand\\ttab', '1969-12-31 23:59:59.999999+00', '0044-03-15 00:00:00+00 BC'),
      (-1, '5 12345', ' ', '9999-12-31 23:59:59.999999+00', '20000-01-01 00:00:00+00'),
      (0, repeat('long ', 5000), '-', '0001-01-01 00:00:00+00', '2300-06-01 12:00:00.5+02')`);
    const events = db.collection<{ _id: unknown }>('events');
    await events.insertMany(
      Array.from({ length: EVENTS }, (_, i) => ({
        _id: `content-${i}`,
        user_id: Long.fromNumber(i + 1),
        event_type: 'login',
        ts: new Date(Date.UTC(2024, 2, 1 + (i % 20), 10, 0, 0, i)),
        payload: { page: i, nested: { list: [1, 'two "quoted"', null, 1.5], text: 'ü\n漢' } },
      })),
    );
    const at = new Date('2024-03-05T12:00:00.001Z');
    const odd: { _id: unknown; [field: string]: unknown }[] = [
      { _id: new ObjectId(), user_id: new Int32(5), event_type: 'a', ts: at, payload: null },
      { _id: new Int32(42), user_id: '17', event_type: '', ts: at, payload: 'plain text' },
      { _id: Long.fromString('9007199254740993'), user_id: new Double(5), ts: at },
      {
        _id: 'quote " slash / back \\ é 🧵 \u2028 \u0001',
        user_id: 'none',
        event_type: 7,
        ts: at,
        payload: [],
      },
      {
        _id: { a: 1, b: 'x y' },
        user_id: null,
        event_type: { deep: true },
        ts: new Date('1970-01-02'),
        payload: 5,
      },
      {
        _id: 'numbers',
        user_id: Long.MAX_VALUE,
        event_type: 'n',
        ts: new Date('2149-06-05T23:59:59.999Z'),
        payload: {
          d: new Double(5),
          big: new Double(1e21),
          small: new Double(1.5e-7),
          zero: new Double(-0),
          long: Long.fromString('-9223372036854775808'),
          decimal: Decimal128.fromString('1.50'),
          when: new Date(1),
          id: new ObjectId('65f000000000000000000001'),
          bytes: new Binary(Buffer.from([0, 255])),
          text: '\u001f\u007f\u2029/<é',
          on: true,
        },
      },
    ];
    // Silver cannot place these on a day: they are in bronze_errors, and no difference.
    odd.push({ _id: 'no time', ts: 'yesterday' }, { _id: 'too late', ts: new Date('2149-06-06T00:00:00Z') });
    await events.insertMany(odd);
  });

  for (const table of ['users', 'events'] as const) {
    it(`of ${table} is found to be the source's, whatever its rows hold`, async () => {
      const found = await check(table);
      assert.deepEqual([found.verdict, found.evidence.inMotion], ['Passed', 0], JSON.stringify(found));
      assert.ok(Number(found.evidence.rows) >= (table === 'users' ? USERS + 4 : EVENTS + 6));
      if (table === 'events') assert.equal(found.evidence.unplaced, 2);
      const again = await check(table);
      assert.equal(again.evidence.suspects, 0, `digests of both engines are equal: ${JSON.stringify(again)}`);
      const [mark] = await select<{ version: string; rows: string }>(
        pipeline().clickhouse,
        `SELECT toString(version) AS version, rows FROM verified_through WHERE table_name = 'silver_${table}'`,
      );
      assert.deepEqual(mark, {
        version: again.evidence.verifiedThrough,
        rows: String(Number(again.evidence.rows)),
      });
    });
  }

  it('is never wrong while the pipeline moves', async () => {
    const { postgres, mongo, db } = pipeline();
    const writer = new SourceWriter(postgres, mongo, db, 5);
    writer.start();
    try {
      for (let i = 0; i < 2; i++) {
        for (const found of await Promise.all([check('users'), check('events')])) {
          assert.equal(found.verdict, 'Passed', JSON.stringify(found));
        }
      }
    } finally {
      await writer.stop();
    }
    const equal = async () =>
      (await Promise.all([check('users'), check('events')])).every(({ evidence }) => evidence.suspects === 0);
    await waitUntil('silver to have it all', equal, { timeoutMs: 60_000 });
  });

  const command = (query: string) => pipeline().clickhouse.command({ query });
  const findings = (found: Finding) => {
    const { missing, extra, different, keys } = found.evidence;
    return { verdict: found.verdict, missing, extra, different, keys };
  };
  const repairOf = (found: Finding) => found.evidence.repair as Record<string, unknown>;

  describe('users: one changed, one lost and one that nobody has', () => {
    const [changed, lost, extra] = ['700', '1400', '1401'];
    const expected = {
      verdict: 'Failed',
      missing: 1,
      extra: 1,
      different: 1,
      keys: { missing: [lost], extra: [extra], different: [changed] },
    };
    const rowsOfRepairs = async () =>
      Number(
        (
          await select<{ rows: string }>(
            pipeline().clickhouse,
            "SELECT count() AS rows FROM bronze_users WHERE topic = 'tidemark.repair'",
          )
        )[0]?.rows,
      );

    let earlier: number;

    before(async () => {
      earlier = await rowsOfRepairs();
      const live = 'SELECT count() AS rows FROM users';
      const before = await select(pipeline().clickhouse, live);
      await command(
        `ALTER TABLE silver_users UPDATE full_name = 'wrong' WHERE user_id = ${changed} SETTINGS mutations_sync = 2`,
      );
      await command(`ALTER TABLE silver_users DELETE WHERE user_id = ${lost} SETTINGS mutations_sync = 2`);
      await command(
        `INSERT INTO silver_users (user_id, full_name, email, version) SELECT ${extra}, 'nobody', '', version - 1 FROM silver_users WHERE user_id = 2100`,
      );
      assert.deepEqual(await select(pipeline().clickhouse, live), before, 'as many rows as before');
    });

    it('are found by content', async () => {
      assert.deepEqual(findings(await check('users')), expected);
    });

    it('are shown by a repair that is only planned, and stay', async () => {
      const found = await check('users', 'plan');
      assert.deepEqual(findings(found), expected);
      const { steps, ...plan } = repairOf(found);
      assert.deepEqual(plan, { applied: false, writes: 2, deletes: 1 });
      assert.deepEqual(
        new Set(steps as object[]),
        new Set([
          { key: changed, action: 'write' },
          { key: lost, action: 'write' },
          { key: extra, action: 'delete' },
        ]),
      );
      assert.equal(await rowsOfRepairs(), earlier);
    });

    it('are not repaired beyond the limit', async () => {
      const found = await pipeline().checks.run(usersContent, { repair: 'apply', repairLimitRows: 2 });
      assert.equal(found.verdict, 'Failed');
      assert.match(found.summary, /not repaired: more than 2 rows/);
      assert.equal(await rowsOfRepairs(), earlier);
    });

    it('are made right, and nothing else is touched', async () => {
      const found = await check('users', 'apply');
      assert.equal(found.verdict, 'Passed', JSON.stringify(found));
      const { applied, written, deleted, removed, stillWrong } = repairOf(found);
      assert.deepEqual(
        { applied, written, deleted, removed, stillWrong },
        { applied: true, written: 2, deleted: 1, removed: 0, stillWrong: 0 },
      );
      assert.equal(await rowsOfRepairs(), earlier + 3);
      const rows = await select(
        pipeline().clickhouse,
        `SELECT toString(user_id) AS id, full_name, is_deleted FROM users_with_deleted WHERE user_id IN (${changed}, ${lost}, ${extra}) ORDER BY user_id`,
      );
      assert.deepEqual(rows, [
        { id: changed, full_name: 'Name 100', is_deleted: 0 },
        { id: lost, full_name: 'Name 200', is_deleted: 0 },
        { id: extra, full_name: 'nobody', is_deleted: 1 },
      ]);
      const again = await check('users');
      assert.deepEqual([again.verdict, again.evidence.suspects], ['Passed', 0]);
    });

    it('follow their source as before', async () => {
      const { postgres } = pipeline();
      await postgres.query(`UPDATE users SET full_name = 'later' WHERE user_id IN (${changed}, ${lost})`);
      await postgres.query(`INSERT INTO users (user_id, full_name, email) VALUES (${extra}, 'somebody', '')`);
      await waitUntil(
        'the changes to win over the repair',
        async () => {
          const [row] = await select<{ rows: string }>(
            pipeline().clickhouse,
            `SELECT count() AS rows FROM users WHERE (user_id IN (${changed}, ${lost}) AND full_name = 'later') OR (user_id = ${extra} AND full_name = 'somebody')`,
          );
          return row?.rows === '3';
        },
        { timeoutMs: 30_000 },
      );
      assert.equal((await check('users')).evidence.suspects, 0);
    });
  });

  it('of a user whose version no message can have is made right, too', async () => {
    await command(
      `INSERT INTO silver_users (user_id, full_name, email, version) SELECT user_id, 'from the future', '', toUInt128('340282366920938463463374607431768211455') FROM silver_users WHERE user_id = 77`,
    );
    const found = await check('users', 'apply');
    assert.deepEqual([found.verdict, repairOf(found).removed], ['Passed', 1], JSON.stringify(found));
    assert.equal((await check('users')).evidence.suspects, 0);
  });

  it('is repaired from what open transactions leave, not from what was there before them', async () => {
    const { postgres, clickhouse, checks } = pipeline();
    await command(`ALTER TABLE silver_users DELETE WHERE user_id = 84 SETTINGS mutations_sync = 2`);
    const client = await postgres.connect();
    await client.query("BEGIN; UPDATE users SET full_name = 'open' WHERE user_id = 84");
    const steps: string[] = [];
    const repair = checks.run(usersContent, { repair: 'apply' }, (step) => steps.push(step));
    await waitUntil(
      'the repair to wait',
      () => Promise.resolve(steps.some((step) => step.startsWith('waiting for the transactions'))),
      { timeoutMs: 60_000 },
    );
    const repaired = await select(clickhouse, 'SELECT 1 FROM silver_users WHERE user_id = 84');
    assert.deepEqual(repaired, [], 'nothing is written while it is open');
    await client.query('COMMIT');
    client.release();
    const found = await repair;
    assert.equal(found.verdict, 'Passed', JSON.stringify(found));
    const shown = await select(clickhouse, 'SELECT full_name FROM users WHERE user_id = 84');
    assert.deepEqual(shown, [{ full_name: 'open' }]);
  });

  describe('events: one changed, one lost, one that nobody has and one on a day too many', () => {
    const key = (id: string) => JSON.stringify(id);
    const where = (id: string) => `WHERE event_id = '${key(id)}' SETTINGS mutations_sync = 2`;
    const expected = {
      verdict: 'Failed',
      missing: 1,
      extra: 1,
      different: 2,
      keys: {
        missing: [key('content-2')],
        extra: [key('nobody')],
        different: [key('content-1'), key('content-3')],
      },
    };
    const sorted = (found: Finding) => {
      const { keys, ...counts } = findings(found);
      const lists = Object.entries(keys as Record<string, string[]>).map(([kind, list]) => [
        kind,
        list.sort(),
      ]);
      return { ...counts, keys: Object.fromEntries(lists) as unknown };
    };

    before(async () => {
      await command(`ALTER TABLE silver_events UPDATE payload = '{"page":2}' ${where('content-1')}`);
      await command(`ALTER TABLE silver_events DELETE ${where('content-2')}`);
      const copy = (change: string, id: string) =>
        command(
          `INSERT INTO silver_events SELECT * REPLACE (${change}) FROM (SELECT * FROM silver_events FINAL WHERE event_id = '${key(id)}')`,
        );
      await copy(`'${key('nobody')}' AS event_id`, 'content-4');
      await copy('day + 40 AS day', 'content-3');
    });

    it('are found by content', async () => {
      assert.deepEqual(sorted(await check('events')), expected);
    });

    it('are made right, and the days they were on know it', async () => {
      const found = await check('events', 'apply');
      assert.equal(found.verdict, 'Passed', JSON.stringify(found));
      const { written, deleted, removed, stillWrong } = repairOf(found);
      assert.deepEqual(
        { written, deleted, removed, stillWrong },
        { written: 3, deleted: 1, removed: 0, stillWrong: 0 },
      );
      const rows = await select(
        pipeline().clickhouse,
        `SELECT JSONExtractString(concat('[', event_id, ']'), 1) AS id, toString(day) AS day, JSONExtractInt(payload, 'page') AS page
         FROM events WHERE event_id IN ('${key('content-1')}', '${key('content-2')}', '${key('content-3')}', '${key('nobody')}') ORDER BY event_id`,
      );
      assert.deepEqual(rows, [
        { id: 'content-1', day: '2024-03-02', page: '1' },
        { id: 'content-2', day: '2024-03-03', page: '2' },
        { id: 'content-3', day: '2024-03-04', page: '3' },
      ]);
      const marked = await select(
        pipeline().clickhouse,
        'SELECT DISTINCT toString(reached.day) AS day FROM silver_event_days AS reached WHERE partition = -1 ORDER BY day',
      );
      assert.deepEqual(
        marked.map(({ day }) => day),
        ['2024-03-02', '2024-03-03', '2024-03-04', '2024-03-05', '2024-04-13'],
      );
      assert.equal((await check('events')).evidence.suspects, 0);
    });

    it('follow their source as before', async () => {
      const { db, clickhouse } = pipeline();
      const events = db.collection<{ _id: string }>('events');
      await events.deleteOne({ _id: 'content-1' });
      await events.updateOne({ _id: 'content-2' }, { $set: { event_type: 'later' } });
      await waitUntil(
        'the changes to win over the repair',
        async () => {
          const rows = await select(
            clickhouse,
            `SELECT event_type FROM events WHERE event_id IN ('${key('content-1')}', '${key('content-2')}')`,
          );
          return JSON.stringify(rows) === '[{"event_type":"later"}]';
        },
        { timeoutMs: 30_000 },
      );
      assert.equal((await check('events')).evidence.suspects, 0);
    });
  });
});
