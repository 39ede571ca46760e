import assert from 'node:assert/strict';
import { Long } from 'mongodb';
import { waitUntil } from '../../../src/wait-until.js';
import { openPipeline, PIPELINE_SERVICES, type Pipeline } from '../../support/pipeline.js';
import { select, silverBecomesRight } from '../../support/silver.js';
import { SourceWriter, type EventDocument } from '../../support/source-writer.js';
import { useStack } from '../../support/stack.js';

const SOON = { timeoutMs: 60_000 };

describe('CDC into silver', function () {
  this.timeout(180_000);
  const stack = useStack(PIPELINE_SERVICES);
  let pipeline: Pipeline;

  before(async () => (pipeline = await openPipeline(stack())));
  after(() => pipeline.close());

  const users = (sql: string, values: unknown[] = []) => pipeline.postgres.query(sql, values);
  const events = () => pipeline.db.collection<EventDocument>('events');
  const event = (_id: string, ts: string): EventDocument => ({
    _id,
    user_id: Long.fromNumber(1),
    event_type: 'login',
    ts: new Date(ts),
    payload: { from: 'test' },
  });
  const user = async (id: number) =>
    (
      await select(
        pipeline.clickhouse,
        `SELECT full_name, is_deleted, deleted_at IS NOT NULL AS has_time FROM users_with_deleted WHERE user_id = ${id}`,
      )
    )[0];
  const daysOf = (id: string) =>
    select(
      pipeline.clickhouse,
      `SELECT toString(day) AS day, is_deleted FROM silver_events FINAL WHERE event_id = '"${id}"' ORDER BY day`,
    );

  /** The sources look alike before and after a row that came and went: only silver itself tells that it was seen. */
  const flagged = (id: number) =>
    waitUntil(`user ${id} to be flagged as deleted`, async () => (await user(id))?.is_deleted === 1, SOON);
  const messagesOf = (id: string) =>
    select(pipeline.clickhouse, `SELECT 1 FROM bronze_events FINAL WHERE event_id = '"${id}"'`);

  it('equals the sources after a seeded mix of inserts, updates, deletes, re-inserts, key changes and moved days', async () => {
    await new SourceWriter(pipeline.postgres, pipeline.mongo, pipeline.db, 1).write(2_000);
    await silverBecomesRight(pipeline);
  });

  it('ranks events by cluster time: the wall time of a server is not in the stream', async () => {
    const [row] = await select<{ streamed: string; whole: string }>(
      pipeline.clickhouse,
      `SELECT count() AS streamed, countIf(JSONExtractInt(raw, 'source', 'ts_ms') % 1000 = 0) AS whole
       FROM bronze_events FINAL WHERE op != 'r'`,
    );
    assert.ok(Number(row?.streamed) > 1_000);
    assert.equal(row?.whole, row?.streamed);
  });

  it('keeps a deleted user, flagged, with the time of deletion; an insert of the key brings it back', async () => {
    await users("INSERT INTO users (user_id, full_name, email) VALUES (2001, 'first', 'a@b')");
    await users('DELETE FROM users WHERE user_id = 2001');
    await flagged(2001);
    assert.deepEqual(await user(2001), { full_name: 'first', is_deleted: 1, has_time: 1 });
    await pipeline.clickhouse.command({ query: 'OPTIMIZE TABLE silver_users FINAL' });
    assert.equal((await user(2001))?.is_deleted, 1, 'no merge removes it');
    await users("INSERT INTO users (user_id, full_name, email) VALUES (2001, 'second', 'a@b')");
    await silverBecomesRight(pipeline);
    assert.deepEqual(await user(2001), { full_name: 'second', is_deleted: 0, has_time: 0 });
  });

  it('takes a changed key as the end of the old one', async () => {
    await users("INSERT INTO users (user_id, full_name, email) VALUES (2002, 'moves', 'a@b')");
    await users('UPDATE users SET user_id = 2003 WHERE user_id = 2002');
    await flagged(2002);
    await silverBecomesRight(pipeline);
    assert.equal((await user(2003))?.is_deleted, 0);
  });

  it('keeps what an update did not touch, however large', async () => {
    await users(
      'INSERT INTO users (user_id, full_name, email) VALUES (2004, (SELECT string_agg(md5(i::text), $1) FROM generate_series(1, 2000) i), $2)',
      ['', 'a'],
    );
    await users("UPDATE users SET email = 'b' WHERE user_id = 2004");
    await silverBecomesRight(pipeline);
  });

  it('flags every user when the table is truncated, and only those that were there', async () => {
    await users(
      "BEGIN; INSERT INTO users (user_id, full_name, email) VALUES (2005, 'before', ''); TRUNCATE users; INSERT INTO users (user_id, full_name, email) VALUES (2006, 'after', ''); COMMIT",
    );
    await flagged(2005);
    await silverBecomesRight(pipeline);
    assert.deepEqual(await user(2005), { full_name: 'before', is_deleted: 1, has_time: 1 });
    assert.deepEqual(await user(2006), { full_name: 'after', is_deleted: 0, has_time: 0 });
  });

  it('moves an event to its new day and leaves a flag under the old one', async () => {
    await events().insertOne(event('moves', '2026-11-01T23:59:59.999Z'));
    await events().updateOne({ _id: 'moves' }, { $set: { ts: new Date('2026-11-02T00:00:00.000Z') } });
    await silverBecomesRight(pipeline);
    assert.deepEqual(await daysOf('moves'), [
      { day: '2026-11-01', is_deleted: 1 },
      { day: '2026-11-02', is_deleted: 0 },
    ]);
    await events().updateOne({ _id: 'moves' }, { $set: { ts: new Date('2026-11-01T00:00:00.000Z') } });
    await silverBecomesRight(pipeline);
    assert.deepEqual(await daysOf('moves'), [
      { day: '2026-11-01', is_deleted: 0 },
      { day: '2026-11-02', is_deleted: 1 },
    ]);
  });

  it('flags a deleted event and shows it again when its id is inserted on another day', async () => {
    await events().insertOne(event('dies', '2026-11-03T10:00:00Z'));
    await events().deleteOne({ _id: 'dies' });
    await waitUntil('the event to come and go', async () => (await messagesOf('dies')).length === 2, SOON);
    assert.deepEqual(await daysOf('dies'), [{ day: '2026-11-03', is_deleted: 1 }]);
    await events().insertOne(event('dies', '2026-11-04T10:00:00Z'));
    await silverBecomesRight(pipeline);
    assert.deepEqual(await daysOf('dies'), [
      { day: '2026-11-03', is_deleted: 1 },
      { day: '2026-11-04', is_deleted: 0 },
    ]);
  });

  it('survives an event that is updated, moved and deleted before it is looked up', async () => {
    await pipeline.connect.pause('tidemark-mongo');
    await events().insertOne(event('quick', '2026-11-05T10:00:00Z'));
    await events().updateOne({ _id: 'quick' }, { $set: { ts: new Date('2026-11-06T10:00:00Z') } });
    await events().deleteOne({ _id: 'quick' });
    await pipeline.connect.resume('tidemark-mongo');
    await waitUntil('its three messages', async () => (await messagesOf('quick')).length === 3, SOON);
    await silverBecomesRight(pipeline);
    assert.ok((await daysOf('quick')).length > 0);
    assert.ok((await daysOf('quick')).every((row) => row.is_deleted === 1));
  });
});
