import { connectClickHouse } from './clients/clickhouse.js';
import { connectConnect } from './clients/connect.js';
import { serviceFault } from './clients/fault.js';
import { connectKafka } from './clients/kafka.js';
import { connectMongo } from './clients/mongo.js';
import { connectPostgres } from './clients/postgres.js';
import type { Config } from './config.js';
import { createEventsCollection } from './provision/collections.js';
import { applyConnectors } from './provision/connectors.js';
import { completeCuts } from './provision/cut.js';
import { migrateClickHouse, migratePostgres } from './provision/migrate.js';
import { connectorsReady } from './provision/readiness.js';
import { createTopics } from './provision/topics.js';

export type Report = (line: string) => void;

/** Numbered SQL of both databases; idempotent. */
export async function migrate(config: Config, report: Report): Promise<void> {
  const postgres = connectPostgres(config);
  try {
    const applied = [...(await migratePostgres(postgres, config)).map((name) => `postgres/${name}`)];
    applied.push(...(await migrateClickHouse(config)).map((name) => `clickhouse/${name}`));
    report(applied.length === 0 ? 'migrations: nothing to do' : `migrations: applied ${applied.join(', ')}`);
  } finally {
    await postgres.end();
  }
}

/**
 * Makes running services a pipeline: tables, topics, collection, connectors; returns once a record of each source went
 * through. Idempotent; what is right already stays untouched.
 */
export async function provision(config: Config, report: Report): Promise<void> {
  await topicsThenTables(config, report);
  const postgres = connectPostgres(config);
  const clickhouse = connectClickHouse(config);
  const mongo = await connectMongo(config).catch(async (cause: unknown) => {
    await Promise.all([postgres.end(), clickhouse.close()]);
    throw serviceFault('mongo', 'connecting', cause);
  });
  const connect = connectConnect(config);
  const deps = { connect, postgres, clickhouse, mongo, config };
  try {
    await createEventsCollection(mongo, config);
    const { users, events } = await applyConnectors(deps);
    for (const [name, plan] of Object.entries({ users, events })) {
      report(
        `connectors: ${name} ${plan.kind === 'snapshot' ? 'take a snapshot' : 'go on'} under epoch ${plan.epoch}`,
      );
    }
    await connectorsReady(deps);
    report('connectors: a record of each source went through');
    for (const what of await completeCuts(deps))
      report(`${what}: what the new snapshot did not show is deleted`);
  } finally {
    await Promise.all([postgres.end(), clickhouse.close(), mongo.close()]);
  }
}

/** The topics come before the Kafka tables: librdkafka asks for a missing topic only every few minutes. */
async function topicsThenTables(config: Config, report: Report): Promise<void> {
  await createTopics(connectKafka(config)).catch((cause: unknown) => {
    throw serviceFault('kafka', 'creating topics', cause);
  });
  await migrate(config, report);
}
