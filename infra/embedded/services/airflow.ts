import { createHash, createHmac } from 'node:crypto';
import { join } from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { PipelineError } from '../../../src/core/errors.js';
import { packageRoot } from '../../../src/package-root.js';
import { writeAtomically } from '../atomic-file.js';
import { ensureFolder } from '../components.js';
import { APP_USER } from '../context.js';
import { pythonCommand } from '../prerequisites.js';
import type { Launch, Service, ServiceName, StackContext } from '../service.js';
import { readState } from '../state.js';

/** Airflow's own tables, beside the source but in a database and with a role of their own. */
const DATABASE = 'airflow';
export const GOLD_DAG = 'gold_user_activity';
const ASK_LIMIT_MS = 5_000;

const sources = join(packageRoot, 'infra', 'airflow');
const home = ({ dataDir }: StackContext): string => join(dataDir, 'airflow');
const passwordsFile = (context: StackContext): string => join(home(context), 'passwords.json');
const baseUrl = ({ ports }: StackContext): string => `http://127.0.0.1:${ports.airflow}`;

/** Keys by which Airflow's processes know each other, all from the one generated secret. */
const key = ({ secrets }: StackContext, use: string): string =>
  createHmac('sha256', secrets.airflow).update(use).digest('base64url');

/** What all of its processes, and its command line, must agree on. Nothing listens but the API, on the loopback address. */
export function airflowEnvironment(context: StackContext): Record<string, string> {
  const { config, ports } = context;
  const lib = join(context.component('airflow'), 'lib');
  const settings: Record<string, string | number> = {
    CORE__DAGS_FOLDER: join(sources, 'dags'),
    CORE__LOAD_EXAMPLES: 'False',
    CORE__EXECUTOR: 'LocalExecutor',
    CORE__PARALLELISM: 8,
    // A name that needs no DNS.
    CORE__HOSTNAME_CALLABLE: 'socket.gethostname',
    // 32 bytes in base64url with its padding, which Fernet insists on.
    CORE__FERNET_KEY: `${createHash('sha256').update(key(context, 'fernet')).digest('base64url')}=`,
    CORE__SIMPLE_AUTH_MANAGER_USERS: `${APP_USER}:admin`,
    CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE: passwordsFile(context),
    CORE__EXECUTION_API_SERVER_URL: `${baseUrl(context)}/execution/`,
    API__HOST: '127.0.0.1',
    API__PORT: ports.airflow,
    API__BASE_URL: baseUrl(context),
    API__SECRET_KEY: key(context, 'api'),
    API_AUTH__JWT_SECRET: key(context, 'jwt'),
    DATABASE__SQL_ALCHEMY_CONN: `postgresql+psycopg2://${DATABASE}:${key(context, 'postgres')}@127.0.0.1:${ports.postgres}/${DATABASE}`,
    // The embedded PostgreSQL has 60 connections for everybody.
    DATABASE__SQL_ALCHEMY_POOL_SIZE: 3,
    DATABASE__SQL_ALCHEMY_MAX_OVERFLOW: 5,
    // A task waits for three or four of the scheduler's rounds. The defaults, 1 s and 15 s, are for many DAGs.
    SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME: 0.5,
    SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL: 5,
    // What waited in a triggerer that died goes on in its successor after 15 s; the default of 30 is for many machines.
    TRIGGERER__JOB_HEARTBEAT_SEC: 2,
    TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD: 15,
    LOGGING__COLORED_CONSOLE_LOG: 'False',
  };
  const airflow = Object.entries(settings).map(([name, value]) => [`AIRFLOW__${name}`, String(value)]);
  return {
    ...(Object.fromEntries(airflow) as Record<string, string>),
    AIRFLOW_HOME: home(context),
    AIRFLOW_CONN_TIDEMARK_TEMPORAL: `temporal://${config.temporal.address}/${config.temporal.namespace}`,
    PYTHONPATH: `${lib}:${sources}`,
    PYTHONNOUSERSITE: '1',
    PYTHONUNBUFFERED: '1',
  };
}

async function launch(context: StackContext, ...args: string[]): Promise<Launch> {
  return {
    command: await pythonCommand(),
    args: ['-m', 'airflow', ...args],
    env: airflowEnvironment(context),
  };
}

const common = {
  components: ['airflow'],
  runNeeds: ['python'],
  stop: 'SIGTERM',
  stopMs: 20_000,
} as const;

/** The API and the web page; the first to start, so it makes the tables that all need. */
const api: Service = {
  ...common,
  name: 'airflow',
  title: 'Airflow',
  needs: ['postgres'],
  ports: ['airflow'],
  async prepare(context) {
    ensureFolder(home(context));
    writeAtomically(passwordsFile(context), JSON.stringify({ [APP_USER]: context.secrets.airflow }));
    await createDatabase(context);
    await migrate(context);
  },
  launch: (context) => launch(context, 'api-server', '--host', '127.0.0.1'),
  async ask(context) {
    await airflowToken(context);
  },
  url: baseUrl,
};

const beside = (
  name: ServiceName,
  title: string,
  args: readonly string[],
  ask: (context: StackContext) => Promise<void>,
): Service => ({
  ...common,
  name,
  title,
  needs: ['airflow', 'temporal'],
  ports: [],
  prepare: () => Promise.resolve(),
  launch: (context) => launch(context, ...args),
  ask,
  url: (context) => `${baseUrl(context)}/api/v2/monitor/health`,
});

/** Not the small servers for logs, which would listen on every address: all processes share one folder. */
const scheduler = beside(
  'airflow-scheduler',
  'Airflow scheduler',
  ['scheduler', '--skip-serve-logs'],
  (context) => healthy(context, 'airflow-scheduler', 'scheduler'),
);
const triggerer = beside(
  'airflow-triggerer',
  'Airflow triggerer',
  ['triggerer', '--skip-serve-logs'],
  (context) => healthy(context, 'airflow-triggerer', 'triggerer'),
);
const processor = beside('airflow-processor', 'Airflow DAG processor', ['dag-processor'], async (context) => {
  await healthy(context, 'airflow-processor', 'dag_processor');
  const dag = await get<{ has_import_errors: boolean }>(context, `/api/v2/dags/${GOLD_DAG}`);
  if (dag.has_import_errors) throw new Error(`the DAG ${GOLD_DAG} does not load`);
});

export const airflow = {
  airflow: api,
  'airflow-scheduler': scheduler,
  'airflow-processor': processor,
  'airflow-triggerer': triggerer,
} as const satisfies Partial<Record<ServiceName, Service>>;

/** Airflow says of this very process, not of one that died a moment ago, that it lives. */
async function healthy(
  context: StackContext,
  service: ServiceName,
  name: 'scheduler' | 'triggerer' | 'dag_processor',
): Promise<void> {
  const health = await get<Record<string, Record<string, string | null>>>(context, '/api/v2/monitor/health');
  const { status, [`latest_${name}_heartbeat`]: heartbeat } = health[name] ?? {};
  const startedAtMs = readState(context.dataDir)?.services[service]?.startedAtMs ?? 0;
  if (status === 'healthy' && Date.parse(heartbeat ?? '') > startedAtMs) return;
  throw new Error(`Airflow says of its ${name}: ${status ?? 'nothing'}, last seen ${heartbeat ?? 'never'}`);
}

async function get<T>(context: StackContext, path: string): Promise<T> {
  const headers = { Authorization: `Bearer ${await airflowToken(context)}` };
  const answer = await fetch(`${baseUrl(context)}${path}`, {
    headers,
    signal: AbortSignal.timeout(ASK_LIMIT_MS),
  });
  if (!answer.ok) throw new Error(`Airflow answers ${answer.status} to ${path}`);
  return (await answer.json()) as T;
}

async function airflowToken(context: StackContext): Promise<string> {
  const answer = await fetch(`${baseUrl(context)}/auth/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: APP_USER, password: context.secrets.airflow }),
    signal: AbortSignal.timeout(ASK_LIMIT_MS),
  });
  if (!answer.ok) throw new Error(`Airflow answers ${answer.status} to its own user`);
  return ((await answer.json()) as { access_token: string }).access_token;
}

async function createDatabase(context: StackContext): Promise<void> {
  const { host, port, user, password } = context.config.postgres;
  const client = new pg.Client({ host, port, user, password, database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const role = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [DATABASE]);
    const verb = role.rowCount === 0 ? 'CREATE' : 'ALTER';
    await client.query(
      `${verb} ROLE ${DATABASE} LOGIN PASSWORD ${pg.escapeLiteral(key(context, 'postgres'))}`,
    );
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${DATABASE}`);
  } finally {
    await client.end();
  }
}

async function migrate(context: StackContext): Promise<void> {
  const { command, args } = await launch(context, 'db', 'migrate');
  const env = airflowEnvironment(context);
  const result = await execa(command, args, { env, all: true, reject: false, stdin: 'ignore', cwd: '/' });
  if (!result.failed) return;
  const reason = result.all.trim().split('\n').slice(-3).join(' | ');
  throw new PipelineError('START_FAILED', `preparing Airflow's tables: ${reason || result.message}`, {
    cause: result,
  });
}
