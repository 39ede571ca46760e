import assert from 'node:assert/strict';
import type { Admin, Kafka } from 'kafkajs';
import { connectKafka } from '../../../src/clients/kafka.js';
import { fillPlaceholders, splitStatements } from '../../../src/core/migrations.js';
import {
  POSTGRES_CONNECTOR,
  PUBLICATION,
  sketchesTopic,
  UNIQUE_USERS_TOPIC,
  USERS_SLOT,
  USERS_TOPIC,
} from '../../../src/core/names.js';
import { provision } from '../../../src/provision.js';
import { clickHousePlaceholders, readMigrations } from '../../../src/provision/migrate.js';
import { createTopics } from '../../../src/provision/topics.js';
import { waitUntil } from '../../../src/wait-until.js';
import { useGoldStack } from '../../support/use-gold-stack.js';
import { assertFinds, passesAgain, VERIFY_SERVICES, verifyHops } from '../../support/verify-stack.js';

/** ConfigResourceTypes.TOPIC of kafkajs, which is the protocol's own number. */
const TOPIC_RESOURCE = 2;

/** Every breakage is made for real, found, and repaired before the next. */
describe('a verification finds', function () {
  this.timeout(120_000);
  const gold = useGoldStack({ services: VERIFY_SERVICES });
  let kafka: Kafka;
  let admin: Admin;

  before(async function () {
    this.timeout(120_000);
    kafka = connectKafka(gold().stack.config);
    admin = kafka.admin();
    await admin.connect();
    await gold().tidemark.schedule.apply();
    await passesAgain(gold());
  });
  after(() => admin?.disconnect());
  // So that each breakage is found on a deployment that has nothing else wrong with it.
  afterEach(() => passesAgain(gold()));

  const sql = (query: string): Promise<unknown> => gold().clickhouse.command({ query });

  /** Breaks, looks, and repairs whatever came of it. */
  async function broken<T>(
    breaking: () => Promise<unknown>,
    look: () => Promise<T>,
    repair: () => Promise<unknown>,
  ): Promise<T> {
    try {
      await breaking();
      return await look();
    } finally {
      await repair();
    }
  }

  it('a task that failed while its connector says RUNNING', async () => {
    const { connect, stack } = gold();
    const config = await connect.connectorConfig(POSTGRES_CONNECTOR);
    const result = await broken(
      async () => {
        await connect.configure(POSTGRES_CONNECTOR, { ...config, 'publication.name': 'no_such_publication' });
        await waitUntil(
          'the task to fail',
          async () => {
            const status = await connect.status(POSTGRES_CONNECTOR);
            return status?.connector.state === 'RUNNING' && status.tasks[0]?.state === 'FAILED';
          },
          { timeoutMs: 60_000 },
        );
      },
      () => verifyHops(gold()),
      () => provision(stack.config, () => undefined),
    );
    assertFinds(result, {
      check: 'connectors',
      hop: 'connect',
      says: /tidemark-postgres says RUNNING, task 0 is FAILED \(.*Exception/,
      along: ['replication-slot'],
    });
  });

  /** Also one in use: its reader is ended first, and may be back before the slot is gone. */
  const dropSlot = (): Promise<unknown> =>
    waitUntil(
      'the slot to be dropped',
      async () => {
        const { postgres } = gold();
        await postgres.query(
          'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active',
          [USERS_SLOT],
        );
        await postgres
          .query(
            'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
            [USERS_SLOT],
          )
          .catch(() => undefined); // still in use
        const left = await postgres.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [
          USERS_SLOT,
        ]);
        return left.rowCount === 0;
      },
      { timeoutMs: 30_000, everyMs: 20 },
    );
  const newSnapshot = (): Promise<void> => provision(gold().stack.config, () => undefined);

  it('a replication slot that was dropped', async () => {
    const result = await broken(dropSlot, () => verifyHops(gold()), newSnapshot);
    assertFinds(result, {
      check: 'replication-slot',
      hop: 'postgres',
      says: /slot tidemark_users does not exist/,
      along: ['connectors'],
    });
  });

  it('a replication slot that was made anew, past what the connector has read', async () => {
    const { connect, postgres } = gold();
    const result = await broken(
      async () => {
        await connect.stop(POSTGRES_CONNECTOR);
        await dropSlot();
        await postgres.query(
          "INSERT INTO users (user_id, full_name, email) VALUES (7600000000000001, 'Lost', 'lost@example.com')",
        );
        await postgres.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [USERS_SLOT]);
      },
      () => verifyHops(gold()),
      async () => {
        await dropSlot();
        await newSnapshot();
      },
    );
    assertFinds(result, {
      check: 'replication-slot',
      hop: 'postgres',
      says: /begins past the connector.s position: it was made anew/,
      along: ['connectors'],
    });
  });

  it('a publication without the table', async () => {
    const { postgres } = gold();
    const result = await broken(
      () => postgres.query(`ALTER PUBLICATION ${PUBLICATION} DROP TABLE public.users`),
      () => verifyHops(gold()),
      () => postgres.query(`ALTER PUBLICATION ${PUBLICATION} ADD TABLE public.users`),
    );
    assertFinds(result, { check: 'publication', hop: 'postgres', says: /lacks public\.users/ });
  });

  it('a topic that is missing', async () => {
    const topic = sketchesTopic(UNIQUE_USERS_TOPIC);
    const there = async (): Promise<boolean> => (await admin.listTopics()).includes(topic);
    const result = await broken(
      async () => {
        await admin.deleteTopics({ topics: [topic] });
        await waitUntil('the topic to be gone', async () => !(await there()), { timeoutMs: 20_000 });
      },
      () => verifyHops(gold()),
      async () => {
        await createTopics(kafka);
        await waitUntil('the topic to be back', there, { timeoutMs: 20_000 });
        // librdkafka asks for a topic that was not there only every few minutes.
        await sql('DETACH TABLE kafka_unique_users_sketches SYNC');
        await sql('ATTACH TABLE kafka_unique_users_sketches');
      },
    );
    assertFinds(result, {
      check: 'kafka-topics',
      hop: 'kafka',
      says: /topic unique-users\.sketches is missing/,
      along: ['kafka-consumers'],
    });
  });

  it('a topic with the wrong cleanup policy', async () => {
    const policy = (value: string) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: TOPIC_RESOURCE,
            name: USERS_TOPIC,
            configEntries: [
              { name: 'cleanup.policy', value },
              { name: 'retention.ms', value: '-1' },
            ],
          },
        ],
      });
    const result = await broken(
      () => policy('compact'),
      () => verifyHops(gold()),
      () => policy('delete'),
    );
    assertFinds(result, {
      check: 'kafka-topics',
      hop: 'kafka',
      says: /postgres\.public\.users has cleanup\.policy=compact instead of delete/,
    });
  });

  it('a Kafka table that was detached', async () => {
    const result = await broken(
      () => sql('DETACH TABLE kafka_users SYNC'),
      () => verifyHops(gold()),
      () => sql('ATTACH TABLE kafka_users'),
    );
    assertFinds(result, {
      check: 'clickhouse-tables',
      hop: 'clickhouse',
      says: /table kafka_users is detached/,
      along: ['kafka-consumers'],
    });
    assertFinds(result, {
      check: 'kafka-consumers',
      hop: 'kafka -> clickhouse',
      says: /kafka_users does not consume postgres\.public\.users/,
      along: ['clickhouse-tables'],
    });
  });

  it('a materialized view that was dropped', async () => {
    const statements = readMigrations('clickhouse').flatMap(({ text }) => splitStatements(text));
    const create = statements.find((text) => /CREATE MATERIALIZED VIEW .*\.to_silver_users /.test(text));
    assert.ok(create);
    const result = await broken(
      () => sql('DROP VIEW to_silver_users SYNC'),
      () => verifyHops(gold()),
      () => sql(fillPlaceholders(create, clickHousePlaceholders(gold().stack.config))),
    );
    assertFinds(result, {
      check: 'clickhouse-tables',
      hop: 'clickhouse',
      says: /materialized view to_silver_users is missing/,
    });
  });

  it('a poison message', async () => {
    const { clickhouse } = gold();
    const arrived = async (): Promise<boolean> => {
      const answer = await clickhouse.query({
        query: 'SELECT count() > 0 AS found FROM bronze_errors',
        format: 'JSONEachRow',
      });
      return (await answer.json<{ found: number }>())[0]?.found === 1;
    };
    const result = await broken(
      async () => {
        const producer = kafka.producer();
        await producer.connect();
        await producer.send({ topic: USERS_TOPIC, messages: [{ key: '{}', value: 'no JSON: secret' }] });
        await producer.disconnect();
        await waitUntil('it to be in bronze_errors', arrived, { timeoutMs: 30_000 });
      },
      () => verifyHops(gold()),
      () => sql('ALTER TABLE bronze_errors DELETE WHERE 1 SETTINGS mutations_sync = 2'),
    );
    assertFinds(result, {
      check: 'kafka-consumers',
      hop: 'kafka -> clickhouse',
      says: /1 new bad messages of postgres\.public\.users in bronze_errors \(not JSON; the last at \d:\d+\)/,
    });
    assert.doesNotMatch(JSON.stringify(result), /secret/);
  });

  it('a ClickHouse that is stopped', async () => {
    const { stack } = gold();
    const result = await broken(
      () => Promise.resolve(stack.kill('clickhouse', 'SIGSTOP')),
      () => verifyHops(gold()),
      () => Promise.resolve(stack.kill('clickhouse', 'SIGCONT')),
    );
    assertFinds(result, {
      check: 'clickhouse-tables',
      hop: 'clickhouse',
      says: /no answer from ClickHouse/,
      along: ['kafka-consumers', 'gold'],
    });
    assert.equal(result.recorded, false);
  });

  it('a stream worker that does not poll', async () => {
    const { stack } = gold();
    const result = await broken(
      () => Promise.resolve(stack.kill('stream', 'SIGSTOP')),
      () => verifyHops(gold()),
      () => Promise.resolve(stack.kill('stream', 'SIGCONT')),
    );
    assertFinds(result, { check: 'workers', hop: 'workers', says: /no worker answers on tidemark-stream$/ });
  });

  it('that no worker polls for workflows, so that none can verify', async () => {
    const { stack } = gold();
    const result = await broken(
      () => Promise.resolve(stack.kill('worker', 'SIGSTOP')),
      () => verifyHops(gold()),
      () => Promise.resolve(stack.kill('worker', 'SIGCONT')),
    );
    assertFinds(result, {
      check: 'workers',
      hop: 'workers',
      says: /none of tidemark-control has begun|none polls tidemark-control/,
    });
    assert.deepEqual([result.runId, result.recorded], ['', false]);
  });

  it('a schedule that is paused', async () => {
    const { schedule } = gold().tidemark;
    const result = await broken(
      () => schedule.pause('a test'),
      () => verifyHops(gold()),
      () => schedule.resume('a test'),
    );
    assertFinds(result, {
      check: 'temporal-schedule',
      hop: 'temporal',
      says: /schedule gold-daily is paused \(a test\)/,
    });
  });
});
