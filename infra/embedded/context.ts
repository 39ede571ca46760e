import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { STACK_FILE, type Config } from '../../src/config.js';
import { PipelineError } from '../../src/core/errors.js';
import { writeAtomically } from './atomic-file.js';
import type { ComponentName } from './components.js';
import { componentFolder } from './install.js';
import { portsFrom, type Ports } from './ports.js';
import { loadSecrets, type Secrets } from './secrets.js';
import type { StackContext } from './service.js';

/** What Tidemark itself signs in as, everywhere. */
export const APP_USER = 'tidemark';
/** May read what users may read, in ClickHouse. */
export const READER_USER = 'reader';
/** What Debezium signs in to PostgreSQL as. */
export const REPLICATION_USER = 'debezium';

const HOST = '127.0.0.1';

export function configOf(ports: Ports, secrets: Secrets, hasAirflow = false): Config {
  return {
    kafka: {
      brokers: [`${HOST}:${ports.kafka}`],
      tls: false,
      sasl: { mechanism: 'plain', user: APP_USER, password: secrets.kafka },
    },
    connect: { url: `http://${HOST}:${ports.connect}`, user: APP_USER, password: secrets.connect },
    postgres: {
      host: HOST,
      port: ports.postgres,
      database: 'commerce',
      user: APP_USER,
      password: secrets.postgres,
    },
    replication: { user: REPLICATION_USER, password: secrets.replication },
    mongo: {
      // The stand-in numbers the answers of a streamed monitor wrongly: the Java driver drops its connections at each.
      uri: `mongodb://${HOST}:${ports.mongo}/?replicaSet=secantus&serverMonitoringMode=poll`,
      database: 'commerce',
    },
    clickhouse: {
      url: `http://${HOST}:${ports['clickhouse http']}`,
      database: 'tidemark',
      user: APP_USER,
      password: secrets.clickhouse,
      reader: { user: READER_USER, password: secrets.clickhouseReader },
    },
    temporal: {
      address: `${HOST}:${ports.temporal}`,
      namespace: 'default',
      uiUrl: `http://${HOST}:${ports['temporal ui']}`,
    },
    http: { host: HOST, port: ports['worker http'], login: { user: APP_USER, password: secrets.http } },
    ...(hasAirflow && {
      airflow: { url: `http://${HOST}:${ports.airflow}`, user: APP_USER, password: secrets.airflow },
    }),
  };
}

/** Gathers what the services of one data directory need. Writes nothing but the passwords, the first time. */
export async function openContext(
  dataDir: string,
  portBase: number,
  cacheDir: string,
  components: readonly ComponentName[],
): Promise<StackContext> {
  mkdirSync(dataDir, { recursive: true });
  const ports = portsFrom(portBase);
  const secrets = loadSecrets(dataDir);
  const folders = new Map<ComponentName, string>();
  for (const name of components) folders.set(name, await componentFolder(cacheDir, name));
  return {
    dataDir,
    ports,
    secrets,
    config: configOf(ports, secrets, components.includes('airflow')),
    component: (name) => {
      const folder = folders.get(name);
      if (folder === undefined)
        throw new PipelineError('NOT_INSTALLED', `looking for ${name}: not asked for`);
      return folder;
    },
  };
}

export function writeStackFile(context: StackContext): void {
  writeAtomically(join(context.dataDir, STACK_FILE), `${JSON.stringify(context.config, null, 2)}\n`);
}
