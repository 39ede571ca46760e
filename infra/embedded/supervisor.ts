import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { STACK_FILE } from '../../src/config.js';
import { PipelineError } from '../../src/core/errors.js';
import { writeStackFile } from './context.js';
import { endLeftovers } from './leftovers.js';
import { tryLock, unlock } from './lock.js';
import { portsOf } from './plan.js';
import { checkPorts } from './ports.js';
import { self } from './process-identity.js';
import type { ServiceName, StackContext } from './service.js';
import { SERVICES } from './services/index.js';
import { lockFile, logFile, runFolder, writeState, type Phase, type ServiceState } from './state.js';
import { Supervised } from './supervised.js';

export type OnChange = (name: ServiceName, state: Readonly<ServiceState>) => void;

/** Starts and keeps the services of one data directory, of which it is the only supervisor while it lives. */
export class Supervisor {
  readonly context: StackContext;
  readonly names: readonly ServiceName[];
  private readonly supervised = new Map<ServiceName, Supervised>();
  private readonly listeners = new Set<OnChange>();
  private readonly portBase: number;
  private readonly cacheDir: string;
  private stopped: Promise<void> | undefined;
  private holdsLock = false;

  constructor(context: StackContext, names: readonly ServiceName[], portBase: number, cacheDir: string) {
    this.context = context;
    this.names = names;
    this.portBase = portBase;
    this.cacheDir = cacheDir;
    for (const name of names) {
      this.supervised.set(name, new Supervised(SERVICES[name], context, () => this.record(name)));
    }
  }

  onChange(listener: OnChange): void {
    this.listeners.add(listener);
  }

  stateOf(name: ServiceName): Readonly<ServiceState> {
    return this.get(name).state;
  }

  /**
   * Takes the data directory, ends what a dead supervisor has left there, and starts every service as soon as what
   * it needs is ready. Resolves when all are.
   * @throws PipelineError `ALREADY_UP`, or `START_FAILED` naming the service, its reason and its log.
   */
  async start(): Promise<void> {
    mkdirSync(runFolder(this.context.dataDir), { recursive: true });
    const held = tryLock(lockFile(this.context.dataDir));
    if (held !== undefined) {
      throw new PipelineError(
        'ALREADY_UP',
        `starting the stack in ${this.context.dataDir}: process ${held.by.pid} runs it already`,
      );
    }
    this.holdsLock = true;
    await endLeftovers(this.context.dataDir);
    await checkPorts(this.context.ports, portsOf(this.names));
    writeStackFile(this.context);
    this.save();
    await Promise.all(this.names.map((name) => this.startInTurn(name)));
  }

  /** Resolves when the service answers; rejects when it has been given up or stopped. */
  waitFor(name: ServiceName, until: Phase = 'ready'): Promise<void> {
    const { state } = this.get(name);
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        if (state.phase === until) resolve();
        else if (state.phase === 'failed' || state.phase === 'stopped') reject(this.failure(name));
        else return false;
        return true;
      };
      if (look()) return;
      const listener: OnChange = (changed) => {
        if (changed === name && look()) this.listeners.delete(listener);
      };
      this.listeners.add(listener);
    });
  }

  /** Signals a service's process; one that dies of it is started again. */
  kill(name: ServiceName, signal: NodeJS.Signals): void {
    this.get(name).kill(signal);
  }

  /** Stops what needs others first; then nothing of the stack runs any more and the data directory is free. */
  stop(): Promise<void> {
    this.stopped ??= this.stopInTurn();
    return this.stopped;
  }

  private async stopInTurn(): Promise<void> {
    await Promise.all(this.names.map((name) => this.stopAfterDependants(name)));
    if (!this.holdsLock) return;
    // Without the file, who looks for a stack is told that there is none.
    rmSync(join(this.context.dataDir, STACK_FILE), { force: true });
    unlock(lockFile(this.context.dataDir));
  }

  private readonly stops = new Map<ServiceName, Promise<void>>();

  private stopAfterDependants(name: ServiceName): Promise<void> {
    const known = this.stops.get(name);
    if (known !== undefined) return known;
    const dependants = this.names.filter((other) => SERVICES[other].needs.includes(name));
    const stop = Promise.all(dependants.map((other) => this.stopAfterDependants(other))).then(() =>
      this.get(name).stop(),
    );
    this.stops.set(name, stop);
    return stop;
  }

  private async startInTurn(name: ServiceName): Promise<void> {
    const needed = SERVICES[name].needs.filter((need) => this.names.includes(need));
    await Promise.all(needed.map((need) => this.waitFor(need)));
    if (this.stopped !== undefined) return;
    this.get(name).start();
    await this.waitFor(name);
  }

  private failure(name: ServiceName): PipelineError {
    const { phase, reason } = this.stateOf(name);
    return new PipelineError(
      'START_FAILED',
      `starting ${SERVICES[name].title}: ${phase}, ${reason ?? 'for no known reason'}; see ${logFile(this.context.dataDir, name)}`,
      { at: { service: name } },
    );
  }

  private get(name: ServiceName): Supervised {
    const supervised = this.supervised.get(name);
    if (supervised === undefined) {
      throw new PipelineError('NO_SERVICE', `looking for ${name}: not part of this stack`);
    }
    return supervised;
  }

  private record(name: ServiceName): void {
    this.save();
    for (const listener of [...this.listeners]) listener(name, this.stateOf(name));
  }

  private save(): void {
    writeState(this.context.dataDir, {
      supervisor: self(),
      portBase: this.portBase,
      cacheDir: this.cacheDir,
      services: Object.fromEntries(this.names.map((name) => [name, this.get(name).state])),
    });
  }
}
