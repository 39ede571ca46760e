import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { writeAtomically } from '../atomic-file.js';
import { ensureFolder } from '../components.js';
import { APP_USER, READER_USER } from '../context.js';
import type { Service, StackContext } from '../service.js';

const folder = (context: StackContext): string => join(context.dataDir, 'clickhouse');
const file = (context: StackContext, name: string): string => join(folder(context), name);
const CHILD = fileURLToPath(new URL('../clickhouse-process.js', import.meta.url));

export const clickhouse: Service = {
  name: 'clickhouse',
  title: 'ClickHouse',
  needs: [],
  components: ['npm'],
  runNeeds: [],
  ports: ['clickhouse http', 'clickhouse native'],
  stop: 'close-stdin',
  stopMs: 20_000,
  prepare(context) {
    ensureFolder(folder(context));
    writeAtomically(file(context, 'config.xml'), serverConfig(context));
    writeAtomically(file(context, 'users.xml'), usersConfig(context));
    return Promise.resolve();
  },
  launch: (context) => ({
    command: process.execPath,
    args: [
      CHILD,
      context.component('npm'),
      ensureFolder(join(folder(context), 'store')),
      String(context.ports['clickhouse http']),
      String(context.ports['clickhouse native']),
      file(context, 'config.xml'),
    ],
  }),
  async ask(context) {
    const { url, user, password } = context.config.clickhouse;
    const client = createClient({
      url,
      username: user,
      password,
      request_timeout: 5_000,
      // It is asked while it starts: a refused connection is no news.
      log: { level: ClickHouseLogLevel.OFF },
    });
    try {
      const answer = await client.query({ query: 'SELECT 1 AS one', format: 'JSONEachRow' });
      await answer.json();
    } finally {
      await client.close();
    }
  },
  url: (context) => context.config.clickhouse.url,
};

/** Memory engines for the logs, bounded: the default one breaks at the second start on the same folder. */
export function serverConfig(context: StackContext): string {
  const memoryLog = (name: string): string =>
    `  <${name}><database>system</database><table>${name}</table><engine>ENGINE=Memory SETTINGS min_rows_to_keep=10000,max_rows_to_keep=50000</engine>` +
    `<flush_interval_milliseconds>1000</flush_interval_milliseconds></${name}>`;
  return `<clickhouse>
  <users_config>${xml(file(context, 'users.xml'))}</users_config>
${memoryLog('query_log')}
${memoryLog('part_log')}
  <background_pool_size>4</background_pool_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <background_message_broker_schedule_pool_size>4</background_message_broker_schedule_pool_size>
  <max_server_memory_usage>4000000000</max_server_memory_usage>
  <kafka>
    <!-- else a restarted server waits long for its dead member of the consumer group -->
    <session_timeout_ms>6000</session_timeout_ms>
    <security_protocol>sasl_plaintext</security_protocol>
    <sasl_mechanism>PLAIN</sasl_mechanism>
    <sasl_username>${APP_USER}</sasl_username>
    <sasl_password>${xml(context.secrets.kafka)}</sasl_password>
  </kafka>
</clickhouse>
`;
}

/** The only place users can be made: CREATE USER is refused by this way of running the server. */
export function usersConfig({ secrets }: StackContext): string {
  const user = (name: string, password: string, grants: string): string => `    <${name}>
      <password_sha256_hex>${createHash('sha256').update(password).digest('hex')}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>${grants}</grants>
    </${name}>`;
  const queries = (list: readonly string[]): string =>
    list.map((query) => `<query>${xml(query)}</query>`).join('');
  return `<clickhouse>
  <profiles>
    <default><max_threads>2</max_threads><log_queries>1</log_queries></default>
    <own_session>
      <max_concurrent_queries_for_user>1</max_concurrent_queries_for_user>
      <constraints><max_concurrent_queries_for_user><const/></max_concurrent_queries_for_user></constraints>
    </own_session>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <!-- The process's own session, which makes it listen: always \`default\`, always without a password, from 127.0.0.1.
         So other users of this machine can sign in as it, too; its limit of one query does not keep them out. It sees no
         table of ours, but may read files with the rights of the process. -->
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>own_session</profile>
      <quota>default</quota>
      <grants>${queries(OWN_GRANTS)}</grants>
    </default>
${user(APP_USER, secrets.clickhouse, '<query>GRANT app</query>')}
${user(READER_USER, secrets.clickhouseReader, '<query>GRANT reading</query>')}
  </users>
  <roles>
    <app><grants>${queries(APP_GRANTS)}</grants></app>
    <reading><grants>${queries(READER_GRANTS)}</grants></reading>
  </roles>
</clickhouse>
`;
}

const OWN_GRANTS = ['GRANT SYSTEM LISTEN, CREATE TEMPORARY TABLE, FILE ON *.*'];

const APP_GRANTS = [
  'GRANT ALL ON tidemark*.*',
  'GRANT SELECT ON system.*',
  'GRANT SELECT ON INFORMATION_SCHEMA.*',
  'GRANT SELECT ON information_schema.*',
  'GRANT TABLE ENGINE ON *',
  `GRANT SET DEFINER ON ${APP_USER}`,
  'GRANT KILL QUERY, SYSTEM, CREATE TEMPORARY TABLE, KAFKA ON *.*',
];

const READER_GRANTS = [
  'GRANT SELECT ON tidemark.*',
  // Raw bytes of bad messages may hold anything.
  'REVOKE SELECT(raw) ON tidemark.bronze_errors',
];

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
