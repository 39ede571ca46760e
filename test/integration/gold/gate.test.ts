import assert from 'node:assert/strict';
import { addDays } from '../../../src/core/day.js';
import { barrierEventId } from '../../../src/core/ids.js';
import { MONGO_CONNECTOR, POSTGRES_CONNECTOR } from '../../../src/core/names.js';
import type { GoldDayProgress, GoldDayResult } from '../../../src/messages.js';
import { waitUntil } from '../../../src/wait-until.js';
import { attemptsOf, FIRST_DAY, goldRows } from '../../support/gold.js';
import { eventOf } from '../../support/gold-stack.js';
import { useGoldStack } from '../../support/use-gold-stack.js';

describe('the gate of gold', function () {
  this.timeout(120_000);
  const gold = useGoldStack();
  const user = '7200000000000001';
  const day = addDays(FIRST_DAY, 40);

  before(async () => {
    await gold().postgres.query(
      "INSERT INTO users (user_id, full_name, email) VALUES ($1, 'Gate', 'gate@example.com')",
      [user],
    );
    await gold().events.insertOne(eventOf('gate-1', user, 'login', `${day}T01:00:00Z`).stored);
    await gold().tidemark.gold.run({ day });
  });

  async function whilePaused(connector: string, work: () => Promise<void>): Promise<void> {
    const { connect } = gold();
    const toBe = (state: string) =>
      waitUntil(
        `${connector} to be ${state}`,
        async () => (await connect.status(connector))?.tasks[0]?.state === state,
        {
          timeoutMs: 60_000,
        },
      );
    await connect.pause(connector);
    try {
      await toBe('PAUSED');
      await work();
    } finally {
      await connect.resume(connector);
      await toBe('RUNNING');
    }
  }

  it('does not let a day pass while an event is on its way; forced, the run is marked as not final', async () => {
    const { tidemark, clickhouse, events } = gold();
    await whilePaused(MONGO_CONNECTOR, async () => {
      await events.insertOne(eventOf('gate-2', user, 'login', `${day}T02:00:00Z`).stored);
      await assert.rejects(tidemark.gold.run({ day, gateTimeoutMs: 2_000 }), {
        code: 'GATE_TIMEOUT',
        message: /gave up waiting for connector tidemark-mongo to produce.*--force/,
      });
      const failed = (await attemptsOf(clickhouse, day)).at(-1);
      assert.deepEqual([failed?.status, failed?.error_code], ['failed', 'GATE_TIMEOUT']);
      assert.deepEqual(
        (await goldRows(clickhouse, day)).map((row) => row.total_events),
        [1],
        'the rows it had',
      );
      const forced = await tidemark.gold.run({ day, force: true, gateTimeoutMs: 2_000 });
      assert.deepEqual([forced.forced, forced.isFinal, forced.events], [true, false, '1']);
    });
    const final = await tidemark.gold.run({ day });
    assert.deepEqual([final.reused, final.isFinal, final.events], [false, true, '2']);
  });

  it('names the connector of users when a user is on the way', async () => {
    const { tidemark, postgres } = gold();
    await whilePaused(POSTGRES_CONNECTOR, async () => {
      await postgres.query("UPDATE users SET full_name = 'Gated' WHERE user_id = $1", [user]);
      await assert.rejects(tidemark.gold.run({ day, gateTimeoutMs: 2_000 }), {
        code: 'GATE_TIMEOUT',
        message: /gave up waiting for connector tidemark-postgres to produce past LSN \d+/,
      });
    });
    // Nothing is left to do: what stands, stands, and the failure is told beside it.
    const [state] = await tidemark.gold.status({ from: day, to: day });
    assert.deepEqual([state?.state, state?.errorCode], ['complete', 'GATE_TIMEOUT']);
    const run = await tidemark.gold.run({ day, force: true });
    assert.equal(run.isFinal, true);
    assert.deepEqual(
      (await goldRows(gold().clickhouse, day)).map((row) => row.full_name),
      ['Gated'],
    );
  });

  it('waits for what Kafka holds and ClickHouse has not read', async () => {
    const { tidemark, clickhouse, events } = gold();
    await clickhouse.command({ query: 'DETACH TABLE kafka_events SYNC' });
    try {
      await events.insertOne(eventOf('gate-3', user, 'login', `${day}T03:00:00Z`).stored);
      await assert.rejects(tidemark.gold.run({ day, gateTimeoutMs: 2_000 }), { code: 'GATE_TIMEOUT' });
    } finally {
      await clickhouse.command({ query: 'ATTACH TABLE kafka_events' });
    }
    assert.equal((await tidemark.gold.run({ day })).events, '3');
  });

  it('passes while it waits, once what was missing arrives', async () => {
    const { tidemark, events } = gold();
    let run: Promise<{ events: string; isFinal: boolean }> | undefined;
    await whilePaused(MONGO_CONNECTOR, async () => {
      await events.insertOne(eventOf('gate-4', user, 'login', `${day}T04:00:00Z`).stored);
      const steps: string[] = [];
      run = tidemark.gold.run({ day, onProgress: ({ step }) => void steps.push(step) });
      await waitUntil(
        'the run to wait at the gate',
        () => Promise.resolve(steps.some((step) => /tidemark-mongo|positions/.test(step))),
        {
          timeoutMs: 30_000,
        },
      );
    });
    const { events: counted, isFinal } = (await run) ?? { events: '', isFinal: false };
    assert.deepEqual([counted, isFinal], ['4', true]);
  });

  it('is passed a second time for who joins: an event that came after the first is waited for, and counted', async () => {
    const { tidemark, clickhouse, postgres, events } = gold();
    const joined = addDays(day, 1);
    const insert = (id: string) => events.insertOne(eventOf(id, user, 'login', `${joined}T01:00:00Z`).stored);
    const counted = async () => (await goldRows(clickhouse, joined)).map((row) => row.total_events);
    const seen = <T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> =>
      waitUntil(what, ask, { timeoutMs: 60_000 });
    const runs: Promise<GoldDayResult>[] = [];
    let told: GoldDayProgress | undefined;
    await insert('join-1');
    const earlier = await marks();
    // Holds the first pass between the arrival of its mark and its computation.
    await clickhouse.command({ query: 'DETACH TABLE kafka_users SYNC' });
    const attach = () => clickhouse.command({ query: 'ATTACH TABLE IF NOT EXISTS kafka_users' });
    try {
      await postgres.query("UPDATE users SET full_name = 'Joined' WHERE user_id = $1", [user]);
      runs.push(tidemark.gold.run({ day: joined, onProgress: (progress) => (told = progress) }));
      const first = await seen('the first mark', async () =>
        (await marks()).find((mark) => !earlier.includes(mark)),
      );
      await whilePaused(MONGO_CONNECTOR, async () => {
        await insert('join-2');
        runs.push(tidemark.gold.run({ day: joined, requestedBy: 'second' }));
        await seen('the second caller', () => Promise.resolve(told?.requestedBy.includes('second')));
        await attach();
        await seen('the second gate to wait for another mark', () => {
          const { step } = told!;
          return Promise.resolve(/tidemark-mongo to produce/.test(step) && !step.includes(first));
        });
        assert.deepEqual(await counted(), [1], 'by the first pass');
      });
    } finally {
      await attach();
    }
    const results = await Promise.all(runs);
    assert.deepEqual(
      results.map((result) => [result.events, result.isFinal]),
      [
        ['2', true],
        ['2', true],
      ],
    );
    assert.deepEqual(await counted(), [2]);
  });

  /** Ids of all marks that silver has ever seen. */
  async function marks(): Promise<string[]> {
    const answer = await gold().clickhouse.query({
      query:
        'SELECT DISTINCT JSONExtractString(event_id) AS id FROM silver_events WHERE startsWith(id, {prefix: String})',
      query_params: { prefix: barrierEventId('') },
      format: 'JSONEachRow',
    });
    return (await answer.json<{ id: string }>()).map(({ id }) => id);
  }
});
