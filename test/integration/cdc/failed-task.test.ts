import assert from 'node:assert/strict';
import { connectKafka } from '../../../src/clients/kafka.js';
import { passesByItself } from '../../../src/core/connector-restart.js';
import { POSTGRES_CONNECTOR } from '../../../src/core/names.js';
import { waitUntil } from '../../../src/wait-until.js';
import { useGoldStack } from '../../support/use-gold-stack.js';
import { select } from '../../support/silver.js';

/** What Connect names the producer of the connector's only task (KIP-618): `<group.id>-<connector>-<task>`. */
const TASK_PRODUCER = `tidemark-connect-${POSTGRES_CONNECTOR}-0`;
const LIMIT = { timeoutMs: 90_000, everyMs: 100 };

describe('a connector whose task was fenced', function () {
  this.timeout(240_000);
  const gold = useGoldStack();

  const insertUser = (id: string) =>
    gold().postgres.query('INSERT INTO users (user_id, full_name, email) VALUES ($1, $2, $3)', [
      id,
      'Fen Ced',
      'f@example.com',
    ]);
  const arrived = (id: string) =>
    waitUntil(
      `user ${id} in silver`,
      async () =>
        (await select(gold().clickhouse, `SELECT user_id FROM users WHERE user_id = ${id}`)).length === 1,
      LIMIT,
    );
  const task = async () => (await gold().connect.status(POSTGRES_CONNECTOR))?.tasks[0];

  it('is started anew by the worker, and brings what was committed meanwhile', async () => {
    const { stack } = gold();
    await insertUser('7500000000000001');
    await arrived('7500000000000001');
    stack.kill('worker', 'SIGSTOP');
    try {
      await fenceTask();
      await insertUser('7500000000000002');
      const failed = await waitUntil(
        'the task to fail',
        async () => {
          const now = await task();
          return now?.state === 'FAILED' && now;
        },
        LIMIT,
      );
      assert.ok(passesByItself(failed.trace), failed.trace);
    } finally {
      stack.kill('worker', 'SIGCONT');
    }
    await arrived('7500000000000002');
    assert.equal((await task())?.state, 'RUNNING');
  });

  /** InitProducerId of another owner: what a second Connect worker does when it thinks that the first is dead. */
  async function fenceTask(): Promise<void> {
    const producer = connectKafka(gold().stack.config).producer({
      transactionalId: TASK_PRODUCER,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    try {
      await (await producer.transaction()).abort();
    } finally {
      await producer.disconnect();
    }
  }
});
