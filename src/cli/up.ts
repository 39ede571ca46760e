import { Option, type Command } from 'commander';
import { mkdirSync } from 'node:fs';
import { bringDown, spawnSupervisor, supervisorOf } from '../../infra/embedded/detached.js';
import { followUntilUp } from '../../infra/embedded/follow.js';
import { openSupervisor, startOrStop } from '../../infra/embedded/index.js';
import { cacheDirectory, missingComponents } from '../../infra/embedded/install.js';
import type { Order } from '../../infra/embedded/messages.js';
import { chooseServices, componentsOf, needsOf } from '../../infra/embedded/plan.js';
import { checkPrerequisites } from '../../infra/embedded/prerequisites.js';
import { portsFrom } from '../../infra/embedded/ports.js';
import type { ServiceName } from '../../infra/embedded/service.js';
import { AIRFLOW_SERVICES, allServices } from '../../infra/embedded/services/index.js';
import { removeStack } from '../../infra/embedded/remove.js';
import { choosePortBase } from '../../infra/embedded/settings.js';
import { readState } from '../../infra/embedded/state.js';
import { untilSignalled } from '../../infra/embedded/until-signalled.js';
import { dataDirectory, loadConfig } from '../config.js';
import { PipelineError } from '../core/errors.js';
import { provision } from '../provision.js';
import { isPipeline, Launch } from './launch.js';
import { showInstalling } from './progress.js';
import { printStatus } from './status.js';

export interface UpOptions {
  readonly dataDir?: string;
  readonly ports?: string;
  readonly only?: string;
  readonly airflow?: boolean;
  readonly fresh?: boolean;
  readonly foreground?: boolean;
}

export function addUp(program: Command): void {
  program
    .command('up')
    .description(
      'start the embedded stack: Kafka, Connect with Debezium, PostgreSQL, MongoDB stand-in, ClickHouse, Temporal, worker',
    )
    .option('--ports <base>', 'first of the 20 ports it uses (default: the last one used here, else 19000)')
    .option('--fresh', "remove the data directory's data, logs and passwords first")
    .option('--foreground', 'stay, and stop the stack at Ctrl-C')
    .option('--airflow', 'Airflow 3 too, with the DAG gold_user_activity')
    .addOption(new Option('--only <services>', 'start these only, for example kafka,temporal'))
    .action(async (_options, command: Command) => bringUp(command.optsWithGlobals<UpOptions>()));
}

/** Starts what is not up, provisions it, and shows it. Idempotent. */
export async function bringUp(options: UpOptions): Promise<void> {
  const dataDir = dataDirectory(options.dataDir, process.env);
  const services = servicesOf(options);
  if (options.fresh) {
    await bringDown(dataDir);
    removeStack(dataDir);
  }
  if (supervisorOf(dataDir) === undefined) {
    const order = await prepare(dataDir, options, services);
    if (options.foreground) return stay(order);
    await start(order);
  } else {
    if (options.foreground)
      throw new PipelineError('ALREADY_UP', `starting the stack: it runs already in ${dataDir}`);
    const running = Object.keys(readState(dataDir)?.services ?? {}) as ServiceName[];
    if (options.airflow && !running.includes('airflow')) {
      throw new PipelineError(
        'ALREADY_UP',
        `starting Airflow: the stack in ${dataDir} runs without it; stop it first (tidemark down)`,
      );
    }
    console.log(`The stack in ${dataDir} is up already.`);
    await followUntilUp(dataDir);
    if (isPipeline(running)) await provision(loadConfig(dataDir, {}), console.log);
  }
  await printStatus(dataDir);
}

/** What is started: all or what is named, and Airflow where it is asked for. @throws PipelineError `NO_SERVICE` */
export function servicesOf({ only, airflow = false }: UpOptions): ServiceName[] {
  const asked = only?.split(',').map((name) => name.trim());
  return airflow ? chooseServices([...(asked ?? allServices()), ...AIRFLOW_SERVICES]) : chooseServices(asked);
}

async function prepare(dataDir: string, options: UpOptions, services: ServiceName[]): Promise<Order> {
  const cacheDir = cacheDirectory(process.env);
  mkdirSync(dataDir, { recursive: true });
  const portBase = choosePortBase(dataDir, parsePorts(options.ports));
  const missing = await missingComponents(cacheDir, componentsOf(services));
  await checkPrerequisites(needsOf(services, missing));
  await showInstalling(cacheDir, missing);
  return { dataDir, portBase, cacheDir, services };
}

/** Starts a supervisor that stays behind; Ctrl-C meanwhile takes back what has been started. */
async function start(order: Order): Promise<void> {
  const launch = new Launch(order);
  const detached = spawnSupervisor(order, (news) => launch.hear(news));
  const interrupted = (): void => {
    void bringDown(order.dataDir).finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    await launch.whole(detached.up);
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
}

/** Is the supervisor itself until Ctrl-C. */
async function stay(order: Order): Promise<void> {
  const supervisor = await openSupervisor(order.dataDir, order.portBase, order.cacheDir, order.services);
  const launch = new Launch(order);
  supervisor.onChange((name, { phase, reason }) => launch.hear({ kind: 'service', name, phase, reason }));
  const stopped = untilSignalled(supervisor);
  await Promise.race([launch.whole(startOrStop(supervisor)), stopped]);
  await Promise.race([printStatus(order.dataDir), stopped]);
  console.log('Ctrl-C stops the stack.');
  await stopped;
}

function parsePorts(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const base = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  portsFrom(base);
  return base;
}
