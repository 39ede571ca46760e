import assert from 'node:assert/strict';
import type { PoolClient } from 'pg';
import { migrate, provision } from '../../../src/provision.js';
import { MONGO_CONNECTOR, POSTGRES_CONNECTOR, USERS_SLOT } from '../../../src/core/names.js';
import { waitUntil } from '../../../src/wait-until.js';
import { connectPipeline, PIPELINE_SERVICES, type Pipeline } from '../../support/pipeline.js';
import { select, silverBecomesRight } from '../../support/silver.js';
import { SourceWriter } from '../../support/source-writer.js';
import { useStack } from '../../support/stack.js';

/** What a version says, in the order it ranks by: of user `id`, or of the newest live row of an event. */
const epochsOf = (pipeline: Pipeline) =>
  select<{ epoch: string }>(
    pipeline.clickhouse,
    'SELECT DISTINCT toString(bitShiftRight(version, 96)) AS epoch FROM silver_users FINAL ORDER BY epoch',
  );

describe('versions', function () {
  this.timeout(300_000);
  const stack = useStack(PIPELINE_SERVICES, { own: true });
  let pipeline: Pipeline;
  const quiet = () => undefined;

  before(async () => (pipeline = await connectPipeline(stack())));
  after(() => pipeline.close());

  /** A transaction that has written, so that it has an id, and stays open. */
  async function openTransaction(sql: string): Promise<PoolClient> {
    const client = await pipeline.postgres.connect();
    await client.query('BEGIN');
    await client.query(sql);
    return client;
  }
  async function end(client: PoolClient): Promise<void> {
    await client.query('COMMIT');
    client.release();
  }
  const slot = async () => {
    const found = await pipeline.postgres.query<{ consistent: boolean }>(
      'SELECT confirmed_flush_lsn IS NOT NULL AS consistent FROM pg_replication_slots WHERE slot_name = $1',
      [USERS_SLOT],
    );
    return found.rows[0];
  };

  it('are right for transactions open while the connector is created, and for commits on both sides of the snapshot', async () => {
    const { postgres, mongo, db, config } = pipeline;
    await migrate(config, quiet);
    await postgres.query(
      "INSERT INTO users (user_id, full_name, email) SELECT i, 'before', '' FROM generate_series(5001, 5400) i",
    );
    const first = await openTransaction("UPDATE users SET full_name = 'first' WHERE user_id = 5001");
    const writer = new SourceWriter(postgres, mongo, db, 11);
    writer.start();
    const provisioned = provision(config, quiet);
    provisioned.catch(() => undefined);

    const pending = await waitUntil('the slot to be under way', slot, { timeoutMs: 120_000, everyMs: 20 });
    assert.equal(pending.consistent, false, 'a slot waits for the transactions that are open');
    await first.query("UPDATE users SET full_name = 'first, again' WHERE user_id = 5002");
    await end(first);
    await waitUntil('a consistent slot', async () => (await slot())?.consistent, {
      timeoutMs: 60_000,
      everyMs: 5,
    });
    const second = await openTransaction("UPDATE users SET full_name = 'second' WHERE user_id = 5003");
    await second.query("INSERT INTO users (user_id, full_name, email) VALUES (5500, 'second', '')");
    await provisioned;
    await second.query('DELETE FROM users WHERE user_id = 5004');
    await end(second);
    await writer.stop();
    await silverBecomesRight(pipeline);
    assert.deepEqual(await epochsOf(pipeline), [{ epoch: '1' }]);
  });

  it('outrank everything before when the slot is dropped; what is gone by then is flagged', async () => {
    const { postgres, connect, config } = pipeline;
    await connect.stop(POSTGRES_CONNECTOR);
    await waitUntil(
      'the slot to be dropped',
      async () => {
        const dropped = await postgres.query(
          'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active',
          [USERS_SLOT],
        );
        return dropped.rowCount === 1;
      },
      { timeoutMs: 60_000 },
    );
    await postgres.query('DELETE FROM users WHERE user_id BETWEEN 5100 AND 5110');
    await postgres.query("UPDATE users SET full_name = 'while nobody looked' WHERE user_id = 5003");
    await postgres.query("INSERT INTO users (user_id, full_name, email) VALUES (5600, 'unseen', '')");

    await provision(config, quiet);
    await silverBecomesRight(pipeline);
    const [gone] = await select<{ flagged: string }>(
      pipeline.clickhouse,
      'SELECT count() AS flagged FROM users_with_deleted WHERE user_id BETWEEN 5100 AND 5110 AND is_deleted AND deleted_at IS NOT NULL',
    );
    assert.equal(Number(gone?.flagged), 11);
    await postgres.query("UPDATE users SET full_name = 'streamed again' WHERE user_id IN (5003, 5600)");
    await postgres.query(
      "INSERT INTO users (user_id, full_name, email) VALUES (5100, 'back from the dead', '')",
    );
    await silverBecomesRight(pipeline);
    assert.ok((await epochsOf(pipeline)).some(({ epoch }) => epoch === '2'));
  });

  it('go on under the same epoch when nothing was lost', async () => {
    const before = await epochsOf(pipeline);
    await provision(pipeline.config, quiet);
    await pipeline.postgres.query("UPDATE users SET full_name = 'once more' WHERE user_id = 5005");
    await silverBecomesRight(pipeline);
    const epochs = new Set([...before, ...(await epochsOf(pipeline))].map(({ epoch }) => epoch));
    assert.deepEqual([...epochs].sort(), ['1', '2']);
  });

  it('refuse to go on when changes to come would rank below what silver holds', async () => {
    await pipeline.clickhouse.command({
      query:
        'INSERT INTO silver_users (user_id, version, partition, offset) SELECT -7, bitShiftLeft(toUInt128(9), 96), 0, 0',
    });
    await assert.rejects(provision(pipeline.config, quiet), { code: 'VERSIONS_WOULD_REGRESS' });
    await pipeline.clickhouse.command({ query: 'DELETE FROM silver_users WHERE user_id = -7' });
    await provision(pipeline.config, quiet);
  });

  it('of events outrank everything before when the change stream is lost, deleted events included', async () => {
    const { db, connect, config } = pipeline;
    const events = db.collection<{ _id: string }>('events');
    await connect.stop(MONGO_CONNECTOR);
    await waitUntil(
      'the connector to forget its place',
      async () => {
        if ((await connect.status(MONGO_CONNECTOR))?.tasks.length !== 0) return false;
        await connect.resetOffsets(MONGO_CONNECTOR);
        return true;
      },
      { timeoutMs: 60_000 },
    );
    const [victim, moved] = await events
      .find({ _id: /^event-/ })
      .limit(2)
      .toArray();
    await events.deleteOne({ _id: victim?._id ?? '' });
    await events.updateOne({ _id: moved?._id ?? '' }, { $set: { ts: new Date('2026-11-19T12:00:00Z') } });
    await provision(config, quiet);
    await silverBecomesRight(pipeline);
    await events.updateOne({ _id: moved?._id ?? '' }, { $set: { ts: new Date('2026-11-18T12:00:00Z') } });
    await silverBecomesRight(pipeline);
  });
});
