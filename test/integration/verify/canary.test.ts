import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { canary, removeLeftCanary } from '../../../src/activities/checks/canary.js';
import { connectKafka } from '../../../src/clients/kafka.js';
import { CANARY_CHANGES } from '../../../src/core/canary.js';
import { fillStatement } from '../../../src/core/gold-sql.js';
import { CANARY_EVENT_ID, CANARY_USER_ID } from '../../../src/core/ids.js';
import {
  CDC_PARTITIONS,
  EVENTS_TOPIC,
  MONGO_CONNECTOR,
  POSTGRES_CONNECTOR,
} from '../../../src/core/names.js';
import type { Finding } from '../../../src/core/verification.js';
import { waitUntil } from '../../../src/wait-until.js';
import { select } from '../../support/silver.js';
import { SourceWriter } from '../../support/source-writer.js';
import { useCheckedPipeline } from '../../support/use-pipeline.js';

describe('the canary', function () {
  this.timeout(180_000);
  const pipeline = useCheckedPipeline();
  const fly = (canaryTimeoutMs = 30_000): Promise<Finding> =>
    pipeline().checks.run(canary, { canaryTimeoutMs });

  const atSources = async () => {
    const { postgres, db } = pipeline();
    const users = await postgres.query('SELECT FROM users WHERE user_id = $1', [CANARY_USER_ID]);
    const events = await db.collection<{ _id: string }>('events').countDocuments({ _id: CANARY_EVENT_ID });
    return { users: users.rowCount, events };
  };
  const nowhere = { users: 0, events: 0 };
  const brokenOf = ({ evidence }: Finding) =>
    (evidence.broken as { table: string; change: string; to: string }[]).map(
      ({ table, change, to }) => `${table} ${change} ${to}`,
    );

  it('comes through every hop beside real traffic, and leaves nothing behind', async () => {
    const { postgres, mongo, db } = pipeline();
    const writer = new SourceWriter(postgres, mongo, db, 9);
    writer.start();
    const found = await fly().finally(() => writer.stop());
    assert.equal(found.verdict, 'Passed', JSON.stringify(found));
    const latencies = found.evidence.latencyMs as Record<string, number>;
    const expected = CANARY_CHANGES.flatMap((change) => [
      ...['users', 'events'].flatMap((table) =>
        ['topic', 'bronze', 'silver'].map((hop) => `${table}.${change}.${hop}`),
      ),
      `gold.${change}`,
    ]);
    assert.deepEqual(Object.keys(latencies).sort(), expected.sort());
    for (const change of CANARY_CHANGES) {
      for (const table of ['users', 'events']) {
        const at = (hop: string): number => latencies[`${table}.${change}.${hop}`] ?? NaN;
        assert.ok(at('topic') <= at('bronze') && at('bronze') <= at('silver'), JSON.stringify(latencies));
      }
    }
    assert.deepEqual(await atSources(), nowhere);
  });

  it('shows in no view and not in gold, nor makes it stale', async () => {
    const { clickhouse, config } = pipeline();
    const rows = async (from: string) => (await select(clickhouse, `SELECT 1 FROM ${from}`)).length;
    assert.equal(await rows(`silver_users WHERE user_id = ${CANARY_USER_ID} LIMIT 1`), 1, 'it was here');
    assert.equal(await rows(`users WHERE user_id = ${CANARY_USER_ID}`), 0);
    assert.equal(await rows(`users_with_deleted WHERE user_id = ${CANARY_USER_ID}`), 0);
    assert.equal(await rows(`events WHERE day = '1970-01-01'`), 0);
    assert.equal(await rows(`silver_event_days AS reached WHERE reached.day = '1970-01-01'`), 0);
    // While it lives, when gold would count it.
    const { checks } = pipeline();
    await clickhouse.command({ query: 'CREATE TABLE canary_gold AS gold_user_activity' });
    const query = fillStatement(config.clickhouse.database, 'canary_gold', '1970-01-01');
    const runs: Promise<unknown>[] = [];
    const found = await checks.run(canary, {}, (step) => {
      if (step.includes('update')) runs.push(clickhouse.command({ query }));
    });
    await Promise.all(runs);
    assert.deepEqual([found.verdict, runs.length], ['Passed', 2]);
    assert.equal(await rows('canary_gold'), 0);
    await clickhouse.command({ query: 'DROP TABLE canary_gold' });
  });

  const paused = [
    [POSTGRES_CONNECTOR, 'postgres -> kafka', 'users insert postgres.public.users'],
    [MONGO_CONNECTOR, 'mongo -> kafka', 'events insert mongo.commerce.events'],
  ] as const;
  for (const [connector, hop, broken] of paused) {
    it(`names the hop when ${connector} is paused, and comes through once it is not`, async () => {
      const { connect } = pipeline();
      const toBe = (state: string) =>
        waitUntil(
          `${connector} to be ${state}`,
          async () => (await connect.status(connector))?.tasks[0]?.state === state,
          { timeoutMs: 60_000 },
        );
      await connect.pause(connector);
      try {
        await toBe('PAUSED');
        const found = await fly(3_000);
        const { verdict } = found;
        assert.deepEqual(
          [verdict, found.hop, brokenOf(found)],
          ['Failed', hop, [broken]],
          JSON.stringify(found),
        );
        assert.match(found.next ?? '', new RegExp(connector));
        assert.match(found.summary, new RegExp(`\\(connector ${connector} says .* PAUSED\\)$`));
        assert.deepEqual(await atSources(), nowhere);
      } finally {
        await connect.resume(connector);
        await toBe('RUNNING');
      }
      const after = await fly();
      assert.equal(after.verdict, 'Passed', JSON.stringify(after));
    });
  }

  it('names a transaction that hangs in a topic', async () => {
    const producer = connectKafka(pipeline().config).producer({
      transactionalId: 'hangs',
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    try {
      const messages = Array.from({ length: CDC_PARTITIONS }, (_, partition) => ({ partition, value: null }));
      await transaction.send({ topic: EVENTS_TOPIC, messages });
      const found = await fly(3_000);
      assert.deepEqual([found.verdict, found.hop], ['Failed', 'mongo -> kafka'], JSON.stringify(found));
      assert.match(
        found.summary,
        /\(a transaction stays open at offset \d+ of mongo\.commerce\.events-\d: nothing behind it is read\)$/,
      );
    } finally {
      await transaction.abort();
      await producer.disconnect();
    }
    const after = await fly();
    assert.equal(after.verdict, 'Passed', JSON.stringify(after));
  });

  it('names the hop into silver when its materialized view is gone', async () => {
    const { clickhouse } = pipeline();
    await clickhouse.command({ query: 'DETACH TABLE to_silver_users SYNC' });
    try {
      const found = await fly(3_000);
      assert.equal(found.verdict, 'Failed');
      // A block that was being read when the view went away still went through it.
      assert.match(brokenOf(found).join(), /^users (insert|update) silver_users$/);
    } finally {
      await clickhouse.command({ query: 'ATTACH TABLE to_silver_users' });
    }
    // A block that was being read when the view came back does not go through it, and the canary in it
    // is not in silver for good; the next one is.
    await waitUntil('the canary to come through', async () => (await fly(5_000)).verdict === 'Passed', {
      timeoutMs: 90_000,
    });
  });

  it('is one at a time', async () => {
    const verdicts = (await Promise.all([fly(), fly()])).map(({ verdict }) => verdict);
    assert.deepEqual(verdicts.sort(), ['Inconclusive', 'Passed']);
  });

  /** Checks in a process of its own, killed while the canary is at the sources. */
  async function killedMidFlight(): Promise<void> {
    const script = fileURLToPath(new URL('../../support/canary-process.js', import.meta.url));
    const child: ChildProcess = fork(script, { stdio: 'ignore' });
    const gone = once(child, 'exit');
    child.send(pipeline().config);
    await waitUntil('the canary to be out', async () => (await atSources()).users === 1, {
      timeoutMs: 60_000,
      everyMs: 5,
    });
    child.kill('SIGKILL');
    await gone;
    assert.equal((await atSources()).users, 1, 'it was killed before it had cleaned up');
  }

  it('that was left behind by a crash does not disturb the next', async () => {
    await killedMidFlight();
    const found = await waitUntil(
      'the lock of the dead',
      async () => {
        const next = await fly();
        return next.verdict !== 'Inconclusive' && next;
      },
      { timeoutMs: 60_000 },
    );
    assert.equal(found.verdict, 'Passed', JSON.stringify(found));
    assert.deepEqual(await atSources(), nowhere);
  });

  it('that was left behind is removed by who ends the verification, but not one that flies', async () => {
    const { checks } = pipeline();
    await killedMidFlight();
    await waitUntil(
      'the canary to be removed',
      async () => {
        await removeLeftCanary(checks.deps);
        return (await atSources()).users === 0;
      },
      { timeoutMs: 60_000 },
    );
    assert.deepEqual(await atSources(), nowhere);
    let removals = 0;
    const found = await checks.run(canary, {}, (step) => {
      if (step.includes('update')) void removeLeftCanary(checks.deps).then(() => (removals += 1));
    });
    assert.deepEqual([found.verdict, removals], ['Passed', 2]);
  });
});
