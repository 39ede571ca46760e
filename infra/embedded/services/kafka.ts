import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { Kafka, logLevel } from 'kafkajs';
import { PipelineError } from '../../../src/core/errors.js';
import { writeAtomically } from '../atomic-file.js';
import { ensureFolder } from '../components.js';
import { APP_USER } from '../context.js';
import type { Service, StackContext } from '../service.js';
import { archived, java, propertiesFile } from './java.js';

const folder = (context: StackContext): string => join(context.dataDir, 'kafka');
const settingsFile = (context: StackContext): string => join(folder(context), 'server.properties');
const logFolder = (context: StackContext): string => join(folder(context), 'log');

/** One broker that is its own controller. */
export function brokerSettings(context: StackContext): Record<string, string | number | boolean> {
  const { ports, secrets } = context;
  const login = (users: string): string =>
    `org.apache.kafka.common.security.plain.PlainLoginModule required username="${APP_USER}" password="${secrets.kafka}"${users};`;
  const jaas = login(` user_${APP_USER}="${secrets.kafka}"`);
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports['kafka controller']}`,
    listeners: `CLIENT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports['kafka controller']}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${ports.kafka}`,
    'listener.security.protocol.map': 'CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'inter.broker.listener.name': 'CLIENT',
    'controller.listener.names': 'CONTROLLER',
    'sasl.enabled.mechanisms': 'PLAIN',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.client.plain.sasl.jaas.config': jaas,
    'listener.name.controller.plain.sasl.jaas.config': jaas,
    'log.dirs': logFolder(context),
    // One broker: nothing can be replicated.
    'default.replication.factor': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // The defaults are 50 of each, which a start has to open one by one.
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.num.partitions': 8,
    'share.coordinator.state.topic.num.partitions': 8,
    // Default 9 s. A broker that stood still for longer (a busy disk) is fenced for a moment, and commits of that moment may hang
    // (docs/replay.md, "A limit of Kafka 4.3"). No longer than this: after a SIGKILL the broker is let in again once its old session is over.
    'broker.session.timeout.ms': 20_000,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    // The log is the record of what happened: nothing leaves it by age.
    'log.retention.ms': -1,
    'log.cleaner.enable': true,
    // Default 5 minutes: a broker that is killed must not forget what to compact.
    'offsets.retention.minutes': 525_600,
  };
}

export const kafka: Service = {
  name: 'kafka',
  title: 'Kafka',
  needs: [],
  components: ['kafka', 'class-archives'],
  runNeeds: ['java'],
  ports: ['kafka', 'kafka controller'],
  stop: 'SIGTERM',
  stopMs: 20_000,
  async prepare(context) {
    ensureFolder(folder(context));
    writeAtomically(settingsFile(context), propertiesFile(brokerSettings(context)));
    if (!existsSync(join(logFolder(context), 'meta.properties'))) await format(context);
  },
  launch: (context) =>
    java(
      context,
      ['-Xms256m', '-Xmx1g', ...archived(context, 'kafka')],
      [],
      ['kafka.Kafka', settingsFile(context)],
    ),
  async ask(context) {
    const admin = kafkaFor(context).admin();
    try {
      await admin.connect();
      const { brokers, controller } = await admin.describeCluster();
      if (brokers.length === 0 || controller === null) throw new Error('no broker is registered yet');
    } finally {
      await admin.disconnect();
    }
  },
  url: (context) => `127.0.0.1:${context.ports.kafka}`,
};

async function format(context: StackContext): Promise<void> {
  const archive = context.writesArchives ? [] : archived(context, 'kafka');
  const launch = java(context, archive, [], ['kafka.tools.StorageTool', 'format']);
  const args = ['-t', context.secrets.kafkaClusterId, '-c', settingsFile(context), '--ignore-formatted'];
  const result = await execa(launch.command, [...launch.args, ...args], { all: true, reject: false });
  if (!result.failed) return;
  const reason = result.all.trim().split('\n').at(-1) ?? '';
  throw new PipelineError('START_FAILED', `formatting Kafka's storage: ${reason}`, { cause: result });
}

function kafkaFor(context: StackContext): Kafka {
  return new Kafka({
    clientId: 'tidemark-readiness',
    brokers: context.config.kafka.brokers,
    sasl: { mechanism: 'plain', username: APP_USER, password: context.secrets.kafka },
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5_000,
    requestTimeout: 5_000,
    retry: { retries: 0 },
  });
}
