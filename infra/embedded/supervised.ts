import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { spawnGated, type Started } from './launcher.js';
import { identify, signalGroup } from './process-identity.js';
import { endGroup } from './process-group.js';
import type { Service, StackContext } from './service.js';
import { logFile, type ServiceState } from './state.js';

/** A start on a busy machine takes a minute; one that takes longer than this is stuck. */
const START_LIMIT_MS = 180_000;
const ASK_EVERY_MS = 100;
/** Deaths in a row without an answer in between, after which a service is given up. */
const GIVE_UP_AFTER = 6;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** How long the rest of a dead service's process group may take to notice (PostgreSQL's backends do). */
const GROUP_END_MS = 5_000;

/** Pause before start number `deaths + 1` in a row: doubled from 0.1 s to at most 10 s, ms. */
export const pauseBeforeRestart = (deaths: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, deaths - 1));

type Outcome = { readonly kind: 'ready' } | { readonly kind: 'dead' | 'stuck'; readonly reason: string };

/** One service's life: start, ask until it answers, start again when it dies, stop. */
export class Supervised {
  readonly service: Service;
  readonly state: ServiceState = { phase: 'waiting', restarts: 0 };
  private readonly context: StackContext;
  private readonly changed: () => void;
  private started: Started | undefined;
  private stopping = false;
  private life: Promise<void> | undefined;
  private readonly stopRequested = new AbortController();

  constructor(service: Service, context: StackContext, changed: () => void) {
    this.service = service;
    this.context = context;
    this.changed = changed;
  }

  /** Begins its life; what comes of it shows in `state`. */
  start(): void {
    this.life ??= this.live();
  }

  /** Ends it cleanly, by force after its `stopMs`, with everything in its process group. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.stopRequested.abort();
    const { started } = this;
    if (started !== undefined) {
      this.update({ phase: 'stopping' });
      if (this.service.stop === 'close-stdin') started.closeStdin();
      else signalLeader(started.pid, this.service.stop);
      await endGroup(started.pid, this.service.stopMs);
    }
    await this.life;
    this.update({ phase: 'stopped', process: undefined });
  }

  /** The phase changes at once where the signal ends the process, so that nobody takes a dead one for ready. */
  kill(signal: NodeJS.Signals): void {
    if (this.started === undefined) return;
    if (signal === 'SIGKILL') this.update({ phase: 'restarting' });
    signalLeader(this.started.pid, signal);
  }

  private async live(): Promise<void> {
    let deaths = 0;
    while (!this.stopping) {
      const outcome = await this.liveOnce(() => (deaths = 0));
      if (this.stopping) return;
      deaths += 1;
      if (deaths >= GIVE_UP_AFTER) {
        this.update({ phase: 'failed', process: undefined, reason: outcome });
        return;
      }
      this.update({
        phase: 'restarting',
        process: undefined,
        restarts: this.state.restarts + 1,
        reason: outcome,
      });
      await pause(pauseBeforeRestart(deaths), undefined, { signal: this.stopRequested.signal }).catch(
        () => undefined,
      );
    }
  }

  /** From a start to the death; answers why it died. */
  private async liveOnce(onReady: () => void): Promise<string> {
    let started: Started;
    try {
      await this.service.prepare(this.context);
      if (this.stopping) return 'stopped';
      started = await this.spawn();
    } catch (error) {
      return messageOf(error);
    }
    const death = deathOf(started);
    const outcome = await this.becomeReady(started.pid, death);
    if (outcome.kind === 'ready') {
      onReady();
      this.update({ phase: 'ready', reason: undefined });
    } else if (outcome.kind === 'stuck' && !this.stopping) {
      signalGroup(started.pid, 'SIGKILL');
    }
    const reason = await death;
    this.started = undefined;
    // A stop ends the group itself, with more patience.
    if (!this.stopping) await endGroup(started.pid, GROUP_END_MS);
    return outcome.kind === 'stuck' ? outcome.reason : reason;
  }

  private async spawn(): Promise<Started> {
    const launch = await this.service.launch(this.context);
    const log = logFile(this.context.dataDir, this.service.name);
    const started = spawnGated(launch, log, this.service.stop === 'close-stdin');
    this.started = started;
    const identity = identify(started.pid);
    this.update({ phase: 'starting', process: identity, startedAtMs: Date.now() });
    started.go();
    return started;
  }

  private async becomeReady(pid: number, death: Promise<string>): Promise<Outcome> {
    let dead: string | undefined;
    void death.then((reason) => (dead = reason));
    const deadline = performance.now() + START_LIMIT_MS;
    let last = 'not asked yet';
    while (dead === undefined && !this.stopping) {
      try {
        await this.service.ask(this.context, pid);
        await this.service.initialise?.(this.context);
        // It may have died after its answer, and another process must not answer in its place.
        if (dead === undefined) return { kind: 'ready' };
      } catch (error) {
        last = messageOf(error);
      }
      if (performance.now() > deadline) {
        return { kind: 'stuck', reason: `no answer within ${START_LIMIT_MS / 1000} s: ${last}` };
      }
      await Promise.race([death, pause(ASK_EVERY_MS)]);
    }
    return { kind: 'dead', reason: dead ?? 'stopped' };
  }

  private update(change: { [K in keyof ServiceState]?: ServiceState[K] | undefined }): void {
    Object.assign(this.state, change);
    this.changed();
  }
}

async function deathOf({ child }: Started): Promise<string> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode === null ? `exited with code ${child.exitCode}` : `ended by ${child.signalCode}`;
}

function signalLeader(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.constructor.name : String(error);
  return message.split('\n')[0] ?? message;
}
