import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MongoClient } from 'mongodb';
import type { Pool } from 'pg';
import { connectMongo } from '../../../src/clients/mongo.js';
import { connectPostgres } from '../../../src/clients/postgres.js';
import { dayOf } from '../../../src/core/day.js';
import { loadAnswer, type Answer } from '../../../src/generate/answer.js';
import { compareRows, describeComparison, type Row } from '../../../src/generate/compare.js';
import { generateAll, generateEvents, generateUsers } from '../../../src/generate/generate.js';
import { userRun } from '../../../src/generate/expected.js';
import { eventId, userIdRange } from '../../../src/generate/keys.js';
import { eventOptions, userOptions } from '../../../src/generate/options.js';
import { payloadDigest } from '../../../src/generate/payload-digest.js';
import { eventWriter, type StoredEvent } from '../../../src/generate/writers/mongo.js';
import { userWriter } from '../../../src/generate/writers/postgres.js';
import { createEventsCollection } from '../../../src/provision/collections.js';
import { migratePostgres } from '../../../src/provision/migrate.js';
import { useStack } from '../../support/stack.js';

const FROM = '2026-11-14';

describe('tidemark generate, on PostgreSQL and the stand-in for MongoDB', function () {
  this.timeout(180_000);
  const stack = useStack(['postgres', 'mongo'], { own: true });
  let folder: string;
  let pool: Pool;
  let mongo: MongoClient;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidemark-generate-'));
    const { config } = stack();
    pool = connectPostgres(config);
    mongo = await connectMongo(config);
    await migratePostgres(pool, config);
    await createEventsCollection(mongo, config);
  });

  after(async () => {
    await pool?.end();
    await mongo?.close();
    await rm(folder, { recursive: true });
  });

  const both = (seed: number, users: number, events: number) => ({
    users: userOptions({ seed, from: FROM, days: 4, users, deleteShare: 0.2, changeKeyShare: 0.1 }),
    events: eventOptions({
      seed,
      from: FROM,
      days: 4,
      events,
      deleteShare: 0.1,
      moveShare: 0.1,
      updateShare: 0.2,
    }),
  });

  /** Read by other means than the generator's own: the database's epoch, and documents one by one. */
  async function sourceUsers(seed: number): Promise<Row[]> {
    const { from, to } = userIdRange(seed);
    const micros = (column: string): string =>
      `(extract(epoch FROM ${column}) * 1000000)::bigint::text AS ${column}`;
    const { rows } = await pool.query<Row>(
      `SELECT user_id::text, full_name, email, ${micros('created_at')}, ${micros('updated_at')}
       FROM public.users WHERE user_id >= $1 AND user_id < $2`,
      [from, to],
    );
    return rows;
  }

  async function sourceEvents(seed: number): Promise<Row[]> {
    const documents = await mongo
      .db('commerce')
      .collection('events')
      .find({}, { promoteLongs: false })
      .toArray();
    return documents
      .filter(({ _id }) => {
        const id = String(_id);
        return (
          id.startsWith(`evt-${seed}-`) || id.startsWith(`${seed.toString(16).padStart(8, '0')}74696465`)
        );
      })
      .map((document) => ({
        event_id: JSON.stringify(
          typeof document._id === 'string' ? document._id : { $oid: document._id.toHexString() },
        ),
        user_id: String(document.user_id),
        event_type: document.event_type as unknown,
        ts: (document.ts as Date).getTime(),
        payload: payloadDigest(document.payload),
      }));
  }

  const micros = (iso: string): string => `${Date.parse(iso)}${iso.slice(23, 26)}`;

  async function assertSourcesEqual(seed: number, answer: Answer): Promise<void> {
    const living = answer.users
      .filter((row) => !row.is_deleted)
      .map(({ user_id, full_name, email, created_at, updated_at }) => ({
        user_id,
        full_name,
        email,
        created_at: micros(created_at),
        updated_at: micros(updated_at),
      }));
    const users = compareRows(living, await sourceUsers(seed), 'user_id');
    assert.ok(users.equal, `users: ${describeComparison(users)}`);
    const expected = answer.events.map((row) => ({ ...row }));
    const events = compareRows(expected, await sourceEvents(seed), 'event_id');
    assert.ok(events.equal, `events: ${describeComparison(events)}`);
  }

  it('leaves both sources exactly as the answer says, with ids above 2^53', async () => {
    const seed = 2_000_000_011;
    const answerFile = join(folder, 'answer.jsonl');
    const progress: string[] = [];
    const { users, events, answer } = await generateAll(stack().config, both(seed, 1_500, 4_000), {
      answerFile,
      onProgress: (source, written, planned) => progress.push(`${source} ${written}/${planned ?? ''}`),
    });
    assert.ok(answer.users.every((row) => BigInt(row.user_id) > BigInt(Number.MAX_SAFE_INTEGER)));
    assert.ok(answer.users.length > 1_500 && answer.users.some((row) => row.is_deleted));
    await assertSourcesEqual(seed, answer);
    assert.deepEqual(await loadAnswer(answerFile), JSON.parse(JSON.stringify(answer)));
    assert.equal(progress.at(-1), `events ${events.writtenOperations}/${events.writtenOperations}`);
    assert.deepEqual(Object.keys(users.operations).sort(), ['changeKey', 'delete', 'insert', 'update']);
  });

  it('stores user ids as 64-bit and 32-bit integers, ts as a date, ids as strings and ObjectIds', async () => {
    await generateAll(stack().config, both(3, 50, 400));
    const types = await mongo
      .db('commerce')
      .collection('events')
      .find(
        { _id: { $in: Array.from({ length: 400 }, (_, index) => `evt-3-${index}`) as never[] } },
        { promoteLongs: false },
      )
      .toArray();
    const kinds = new Set(
      types.map(({ user_id }) =>
        typeof user_id === 'number' ? 'int' : (user_id as { _bsontype: string })._bsontype,
      ),
    );
    assert.deepEqual([...kinds].sort(), ['Long', 'int']);
    assert.ok(types.every(({ ts }) => ts instanceof Date));
    const rows = await sourceEvents(3);
    assert.ok(rows.some(({ event_id }) => String(event_id).includes('$oid')));
  });

  it('writes nothing when it is run again, replaces when told to, and refuses other rows of its seed', async () => {
    const options = both(4, 120, 600);
    const first = await generateAll(stack().config, options);
    const again = await generateAll(stack().config, options);
    assert.deepEqual([again.users.outcome, again.events.outcome], ['already there', 'already there']);
    assert.deepEqual(again.answer, first.answer);

    const other = both(4, 121, 610);
    await assert.rejects(generateUsers(stack().config, other.users), { code: 'ALREADY_GENERATED' });
    await assert.rejects(generateEvents(stack().config, other), { code: 'ALREADY_GENERATED' });
    const replaced = await generateAll(stack().config, other, { replace: true });
    await assertSourcesEqual(4, replaced.answer);

    await pool.query(
      'UPDATE public.users SET email = email || $1 WHERE user_id = (SELECT min(user_id) FROM public.users WHERE user_id > 400000000)',
      ['x'],
    );
    await assert.rejects(generateUsers(stack().config, other.users), /0 missing, 0 extra, 1 different/);
  });

  it('gives two seeds keys of their own', async () => {
    const five = await generateAll(stack().config, both(5, 60, 200));
    const six = await generateAll(stack().config, both(6, 60, 200));
    await assertSourcesEqual(5, five.answer);
    await assertSourcesEqual(6, six.answer);
  });

  it('stops cleanly in a continuous run, at the present time, with the exact answer so far', async () => {
    const stop = new AbortController();
    const seen = { users: 0, events: 0 };
    const { users, events, answer } = await generateAll(stack().config, both(7, 40, 100), {
      continuous: true,
      rate: 300,
      signal: stop.signal,
      onProgress: (source, written, planned) => {
        assert.equal(planned, undefined);
        seen[source] = written;
        if (seen.users >= 200 && seen.events >= 300) stop.abort();
      },
    });
    assert.deepEqual([users.outcome, events.outcome], ['stopped', 'stopped']);
    assert.ok(users.writtenOperations >= 200 && events.writtenOperations >= 300);
    await assertSourcesEqual(7, answer);
    assert.ok(
      answer.users.every((row) => dayOf(Date.parse(row.created_at)) >= dayOf(Date.now() - 86_400_000)),
    );
  });

  it('rolls a batch back and says so when someone else changed its rows', async () => {
    const [first, second] = [
      ...userRun(userOptions({ seed: 8, from: FROM, days: 1, users: 2, updateShare: 0 })),
    ];
    assert.ok(first?.op === 'insert' && second?.op === 'insert');
    const write = userWriter(pool);
    await write([first]);
    await pool.query('DELETE FROM public.users WHERE user_id = $1', [first.row.user_id]);
    await assert.rejects(write([second, { op: 'update', row: first.row }]), { code: 'SOURCE_CHANGED' });
    assert.deepEqual(await sourceUsers(8), []);

    const events = eventWriter(mongo.db('commerce').collection<StoredEvent>('events'));
    const gone = { op: 'delete', ordinal: 0, _id: eventId(8, 0) } as const;
    await assert.rejects(events([gone]), { code: 'SOURCE_CHANGED' });
  });

  it('gives one clear line for a wrong password, a closed port and a missing table', async () => {
    const { config } = stack();
    const options = userOptions({ seed: 9, from: FROM, days: 1, users: 5 });
    const wrong = { ...config, postgres: { ...config.postgres, password: 'wrong' } };
    await assert.rejects(
      generateUsers(wrong, options),
      /generating users: PostgreSQL: the password is wrong/,
    );
    const closed = { ...config, postgres: { ...config.postgres, port: 1 } };
    await assert.rejects(generateUsers(closed, options), /nothing listens there/);
    const elsewhere = { ...config, postgres: { ...config.postgres, database: 'postgres' } };
    await assert.rejects(generateUsers(elsewhere, options), /tidemark migrate/);
  });
});
