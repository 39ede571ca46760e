import type { Config } from '../../src/config.js';
import { supervisorOf } from './detached.js';
import { openContext } from './context.js';
import { componentsOf } from './plan.js';
import { isAlive } from './process-identity.js';
import type { ServiceName, StackContext } from './service.js';
import { SERVICES } from './services/index.js';
import { logFile, readState, type ServiceState } from './state.js';

export interface ServiceStatus {
  readonly service: ServiceName;
  readonly title: string;
  /** `up`: its process runs and it has answered just now. */
  readonly state: 'up' | 'starting' | 'restarting' | 'silent' | 'failed' | 'down';
  readonly pid: number | null;
  readonly uptimeMs: number | null;
  readonly restarts: number;
  readonly url: string;
  readonly log: string;
  readonly reason: string | null;
}

export interface StackStatus {
  readonly dataDir: string;
  readonly up: boolean;
  readonly supervisor: number | null;
  readonly services: readonly ServiceStatus[];
  /** Where a browser finds them, and who may see them; the password is in the stack file. Null without a worker that serves them. */
  readonly dashboards: { readonly url: string; readonly user: string } | null;
}

/** Asks every service of a stack the question that tells whether it works. */
export async function stackStatus(dataDir: string, nowMs: number): Promise<StackStatus> {
  const state = readState(dataDir);
  const supervisor = supervisorOf(dataDir);
  if (state === undefined) return { dataDir, up: false, supervisor: null, services: [], dashboards: null };
  const names = Object.keys(state.services) as ServiceName[];
  const context = await openContext(dataDir, state.portBase, state.cacheDir, componentsOf(names));
  const services = await Promise.all(
    names.map((name) =>
      serviceStatus(name, state.services[name] ?? { phase: 'stopped', restarts: 0 }, context, nowMs),
    ),
  );
  return {
    dataDir,
    up:
      supervisor !== undefined && services.length > 0 && services.every((service) => service.state === 'up'),
    supervisor: supervisor?.pid ?? null,
    services,
    dashboards: names.includes('worker') ? dashboardsOf(context.config) : null,
  };
}

function dashboardsOf({ http }: Config): StackStatus['dashboards'] {
  if (http?.login === undefined) return null;
  return { url: `http://${http.host}:${http.port}/dashboards`, user: http.login.user };
}

async function serviceStatus(
  name: ServiceName,
  state: ServiceState,
  context: StackContext,
  nowMs: number,
): Promise<ServiceStatus> {
  const alive = state.process !== undefined && isAlive(state.process);
  const answer = alive ? await tryAsking(name, context, state.process?.pid ?? 0) : undefined;
  return {
    service: name,
    title: SERVICES[name].title,
    state: stateOf(state.phase, alive, answer === undefined),
    pid: alive ? (state.process?.pid ?? null) : null,
    uptimeMs: alive && state.startedAtMs !== undefined ? nowMs - state.startedAtMs : null,
    restarts: state.restarts,
    url: SERVICES[name].url(context),
    log: logFile(context.dataDir, name),
    reason: answer ?? state.reason ?? null,
  };
}

function stateOf(phase: ServiceState['phase'], alive: boolean, answers: boolean): ServiceStatus['state'] {
  if (phase === 'failed') return 'failed';
  if (!alive) return phase === 'restarting' || phase === 'ready' ? 'restarting' : 'down';
  if (answers) return 'up';
  return phase === 'starting' ? 'starting' : 'silent';
}

/** Undefined when it answers; else why not. */
async function tryAsking(name: ServiceName, context: StackContext, pid: number): Promise<string | undefined> {
  try {
    await SERVICES[name].ask(context, pid);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
