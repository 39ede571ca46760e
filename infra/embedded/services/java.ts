import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { javaCommand } from '../prerequisites.js';
import type { Launch, StackContext } from '../service.js';

/** Loggers that print configurations (long, and partly secret) or repeat themselves. */
const QUIET: Readonly<Record<string, string>> = {
  'org.apache.kafka.common.config': 'warn',
  'org.apache.kafka.clients': 'warn',
  'org.apache.kafka.connect.runtime.WorkerConfig': 'warn',
  'org.apache.kafka.connect.runtime.distributed.DistributedConfig': 'warn',
  'org.apache.kafka.connect.runtime.isolation': 'error',
  'org.apache.kafka.connect.json': 'warn',
  'org.reflections': 'error',
  'org.eclipse.jetty': 'warn',
  'org.glassfish.jersey': 'error',
  'kafka.server.KafkaConfig': 'warn',
  // 3.7.0 logs every measurement.
  'io.debezium.metrics.stats.MeasurementCollector': 'off',
};

/** Colon-separated, or a wildcard that Java expands itself. */
export const kafkaClassPath = (context: StackContext): string =>
  join(context.component('kafka'), 'libs', '*');

/**
 * The optimising compiler takes up what was called ten times as often as by default: else a third of the processor
 * time of a start goes into code that is never hot.
 */
const COMPILE_LATER = [
  '-XX:Tier4InvocationThreshold=50000',
  '-XX:Tier4MinInvocationThreshold=6000',
  '-XX:Tier4CompileThreshold=150000',
  '-XX:Tier4BackEdgeThreshold=400000',
];

/** Two cores serve seven servers here: the serial collector leaves them to the work. */
export function java(
  context: StackContext,
  heap: readonly string[],
  properties: readonly string[],
  main: readonly string[],
): Launch {
  const loggers = Object.entries(QUIET).map(
    ([name, level]) => `-Dorg.slf4j.simpleLogger.log.${name}=${level}`,
  );
  return {
    command: javaCommand(),
    args: [
      ...heap,
      '-XX:+UseSerialGC',
      ...COMPILE_LATER,
      '-XX:+ExitOnOutOfMemoryError',
      '-Djava.awt.headless=true',
      '-Djava.net.preferIPv4Stack=true',
      '-Dorg.slf4j.simpleLogger.showDateTime=true',
      '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
      ...loggers,
      ...properties,
      '-cp',
      kafkaClassPath(context),
      ...main,
    ],
  };
}

/** Java's properties format, for values without line breaks. */
export function propertiesFile(entries: Readonly<Record<string, string | number | boolean>>): string {
  const lines = Object.entries(entries).map(
    ([key, value]) => `${key}=${String(value).replaceAll('\\', '\\\\')}`,
  );
  return `${lines.join('\n')}\n`;
}

/** SASL/PLAIN for a Kafka client in Java; `prefix` as in `producer.`. */
export function saslClient(user: string, password: string, prefix = ''): Record<string, string> {
  return {
    [`${prefix}security.protocol`]: 'SASL_PLAINTEXT',
    [`${prefix}sasl.mechanism`]: 'PLAIN',
    [`${prefix}sasl.jaas.config`]: `org.apache.kafka.common.security.plain.PlainLoginModule required username="${user}" password="${password}";`,
  };
}

/** Classes loaded and verified once and for all halve the processor time of a start. Without the file: as ever. */
export function archived(context: StackContext, service: string): string[] {
  const file = archiveFile(context, service);
  if (context.writesArchives) return [`-XX:ArchiveClassesAtExit=${file}`];
  if (!existsSync(file)) return [];
  return [`-XX:SharedArchiveFile=${file}`, '-Xshare:auto', '-Xlog:cds=off', '-Xlog:cds+dynamic=off'];
}

export const archiveFile = (context: StackContext, service: string): string =>
  join(context.component('class-archives'), `${service}.jsa`);
