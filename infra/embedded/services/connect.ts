import { join } from 'node:path';
import { writeAtomically } from '../atomic-file.js';
import { ensureFolder } from '../components.js';
import { APP_USER } from '../context.js';
import type { Service, StackContext } from '../service.js';
import { archived, java, propertiesFile, saslClient } from './java.js';

const folder = (context: StackContext): string => join(context.dataDir, 'connect');
const file = (context: StackContext, name: string): string => join(folder(context), name);

const NEEDED_PLUGINS = [
  'io.debezium.connector.postgresql.PostgresConnector',
  'io.debezium.connector.mongodb.MongoDbConnector',
];

/** One distributed worker with exactly-once sources, as tried in the measurements. */
export function workerSettings(context: StackContext): Record<string, string | number | boolean> {
  const { ports, secrets, config } = context;
  const sasl = (prefix?: string): Record<string, string> => saslClient(APP_USER, secrets.kafka, prefix);
  return {
    'bootstrap.servers': config.kafka.brokers.join(','),
    ...sasl(),
    ...sasl('producer.'),
    ...sasl('consumer.'),
    ...sasl('admin.'),
    'group.id': 'tidemark-connect',
    listeners: `http://127.0.0.1:${ports.connect}`,
    'rest.advertised.host.name': '127.0.0.1',
    'rest.advertised.port': ports.connect,
    'rest.extension.classes':
      'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension',
    'plugin.path': join(context.component('debezium'), 'plugins'),
    // Both Debezium connectors carry service files: no class path needs to be scanned.
    'plugin.discovery': 'service_load',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'key.converter.schemas.enable': false,
    'value.converter.schemas.enable': false,
    'offset.storage.topic': 'connect.offsets',
    'offset.storage.replication.factor': 1,
    'offset.storage.partitions': 5,
    'config.storage.topic': 'connect.configs',
    'config.storage.replication.factor': 1,
    'status.storage.topic': 'connect.status',
    'status.storage.replication.factor': 1,
    'status.storage.partitions': 3,
    'offset.flush.interval.ms': 1_000,
    'topic.creation.enable': true,
    'scheduled.rebalance.max.delay.ms': 0,
    // A killed worker's place in the group is free after this; the default is 10 s too, the floor is the broker's 6 s.
    'session.timeout.ms': 6_000,
    'heartbeat.interval.ms': 2_000,
    'connector.client.config.override.policy': 'All',
    'exactly.once.source.support': 'enabled',
  };
}

export const connect: Service = {
  name: 'connect',
  title: 'Kafka Connect',
  needs: ['kafka'],
  components: ['kafka', 'debezium', 'class-archives'],
  runNeeds: ['java'],
  ports: ['connect'],
  stop: 'SIGTERM',
  stopMs: 15_000,
  prepare(context) {
    ensureFolder(folder(context));
    writeAtomically(file(context, 'worker.properties'), propertiesFile(workerSettings(context)));
    writeAtomically(file(context, 'rest-users.properties'), `${APP_USER}=${context.secrets.connect}\n`);
    const loginModule = 'org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule';
    writeAtomically(
      file(context, 'jaas.conf'),
      `KafkaConnect {\n  ${loginModule} required file="${file(context, 'rest-users.properties')}";\n};\n`,
    );
    return Promise.resolve();
  },
  launch: (context) =>
    java(
      context,
      ['-Xms128m', '-Xmx768m', ...archived(context, 'connect')],
      [`-Djava.security.auth.login.config=${file(context, 'jaas.conf')}`],
      ['org.apache.kafka.connect.cli.ConnectDistributed', file(context, 'worker.properties')],
    ),
  async ask(context) {
    const plugins = (await get(context, '/connector-plugins')) as { class: string }[];
    const absent = NEEDED_PLUGINS.filter((name) => !plugins.some((plugin) => plugin.class === name));
    if (absent.length > 0) throw new Error(`plugins not loaded: ${absent.join(', ')}`);
    // Answered only by a worker that has joined its group and read its topics.
    await get(context, '/connectors');
  },
  url: (context) => context.config.connect.url,
};

async function get(context: StackContext, path: string): Promise<unknown> {
  const credentials = Buffer.from(`${APP_USER}:${context.secrets.connect}`).toString('base64');
  const response = await fetch(`${context.config.connect.url}${path}`, {
    headers: { authorization: `Basic ${credentials}` },
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`GET ${path}: HTTP ${response.status}`);
  return response.json();
}
