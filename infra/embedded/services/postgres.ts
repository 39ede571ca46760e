import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { PipelineError } from '../../../src/core/errors.js';
import { writeAtomically } from '../atomic-file.js';
import { postgresPackage } from '../components.js';
import { APP_USER, REPLICATION_USER } from '../context.js';
import { hand, postgresHome, type PostgresHome } from '../postgres-home.js';
import type { Service, StackContext } from '../service.js';

const home = (context: StackContext): PostgresHome =>
  postgresHome(
    context.dataDir,
    context.secrets.instance,
    join(postgresPackage(context.component('npm')), 'native'),
  );

const dataFolder = (at: PostgresHome): string => join(at.folder, 'data');

export const postgres: Service = {
  name: 'postgres',
  title: 'PostgreSQL',
  needs: [],
  components: ['npm'],
  runNeeds: [],
  ports: ['postgres'],
  // "Fast" shutdown: disconnects clients, where SIGTERM would wait for them.
  stop: 'SIGINT',
  stopMs: 15_000,
  async prepare(context) {
    const at = home(context);
    if (!existsSync(dataFolder(at))) await initialiseCluster(context, at);
  },
  launch(context) {
    const at = home(context);
    const settings = {
      listen_addresses: '127.0.0.1',
      port: context.ports.postgres,
      unix_socket_directories: '',
      wal_level: 'logical',
      max_replication_slots: 8,
      max_wal_senders: 8,
      max_connections: 60,
      // A slot nobody reads must not fill the disk for ever; far above what a backlog here needs.
      max_slot_wal_keep_size: '16GB',
      timezone: 'UTC',
      log_timezone: 'UTC',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return {
      command: join(at.binaries, 'bin', 'postgres'),
      args: ['-D', dataFolder(at), ...args],
      env: { LC_ALL: 'C' },
      ...(at.user === undefined ? {} : { user: at.user }),
    };
  },
  ask: (context) => query(context, 'postgres', (client) => client.query('SELECT 1')),
  initialise: createCommerce,
  url: (context) => `postgresql://127.0.0.1:${context.ports.postgres}/${context.config.postgres.database}`,
};

/** Into a folder beside its place, renamed when complete, so that an interrupted first start is repeated. */
async function initialiseCluster(context: StackContext, at: PostgresHome): Promise<void> {
  const draft = join(at.folder, 'data.partial');
  const passwordFile = join(at.folder, 'password');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  hand(draft, at.user);
  writeAtomically(passwordFile, `${context.secrets.postgres}\n`);
  hand(passwordFile, at.user);
  const args = ['-D', draft, '-U', APP_USER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  const result = await execa(
    join(at.binaries, 'bin', 'initdb'),
    [...args, '--encoding=UTF8', '--locale=C', '--no-instructions', '--no-sync'],
    { all: true, reject: false, cwd: '/', env: { LC_ALL: 'C' }, ...at.user },
  );
  rmSync(passwordFile);
  if (result.failed) {
    const reason = result.all.trim().split('\n').slice(-3).join(' | ');
    throw new PipelineError('START_FAILED', `initialising PostgreSQL: ${reason || result.message}`, {
      cause: result,
    });
  }
  renameSync(draft, dataFolder(at));
}

/** The source database, and the role Debezium signs in with; its tables and grants are the migrations'. */
async function createCommerce(context: StackContext): Promise<void> {
  const { database } = context.config.postgres;
  await query(context, 'postgres', async (client) => {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
    const role = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [REPLICATION_USER]);
    const verb = role.rowCount === 0 ? 'CREATE' : 'ALTER';
    const secret = pg.escapeLiteral(context.secrets.replication);
    await client.query(`${verb} ROLE ${REPLICATION_USER} LOGIN REPLICATION PASSWORD ${secret}`);
    await client.query(`GRANT CONNECT ON DATABASE ${pg.escapeIdentifier(database)} TO ${REPLICATION_USER}`);
  });
}

async function query(
  context: StackContext,
  database: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const { host, port, user, password } = context.config.postgres;
  const client = new pg.Client({ host, port, user, password, database, connectionTimeoutMillis: 5_000 });
  // A server that goes away while the answer is awaited fails the query, too; without a listener it would end us.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
