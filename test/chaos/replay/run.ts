import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../../src/generate/random.js';
import { packageRoot } from '../../../src/package-root.js';
import { waitUntil } from '../../../src/wait-until.js';
import { PARTITIONS, type Comparison } from './records.js';
import type { Scene } from './scene.js';
import type { Stack } from '../../../infra/embedded/index.js';
import type { Fault } from '../report.js';
import { endWithParent } from '../../support/end-with-parent.js';
import { EXIT, type WorkerOrder } from './order.js';

const WORKER = join(packageRoot, 'dist', 'test', 'chaos', 'replay', 'worker.js');
/** Requests before which a worker sleeps while the broker is killed: with no transaction, an empty one, a full one. */
const BROKER_KILL_POINTS = ['AddPartitionsToTxn', 'Produce', 'EndTxn'];
/** Requests that change something, at which a kill hurts most. */
const KILL_POINTS = ['InitProducerId', 'AddPartitionsToTxn', 'Produce', 'EndTxn', 'commit'];

interface Said {
  readonly event: string;
  readonly apiName?: string;
  readonly code?: string;
}

/** A worker process and what it has said so far. */
export class WorkerProcess {
  readonly child: ChildProcess;
  readonly said: Said[] = [];
  readonly exited: Promise<number | NodeJS.Signals>;
  #errors = '';

  constructor(order: WorkerOrder) {
    this.child = spawn(process.execPath, [WORKER, JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    endWithParent(this.child);
    const { stdout, stderr } = this.child;
    assert.ok(stdout && stderr);
    createInterface({ input: stdout }).on('line', (line) => this.said.push(JSON.parse(line) as Said));
    stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    this.exited = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        resolve(signal ?? code ?? -1);
      });
    });
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  times(point: string): number {
    return this.said.filter(({ event, apiName }) => event === point || apiName === point).length;
  }

  /** Resolves true once it has said `point` that often, false when it ended before. */
  async reaches(point: string, times: number): Promise<boolean> {
    await waitUntil(
      `${point} of a worker`,
      () => Promise.resolve(this.times(point) >= times || !this.running),
      {
        timeoutMs: 60_000,
        everyMs: 1,
      },
    );
    return this.times(point) >= times;
  }

  /** Asleep by its own SIGSTOP: the kernel says so. */
  async isStopped(): Promise<void> {
    await this.reaches('stopped', 1);
    await waitUntil('a stopped process', () => Promise.resolve(this.#state() === 'T'), { timeoutMs: 10_000 });
  }

  #state(): string {
    return readFileSync(`/proc/${String(this.child.pid)}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';
  }

  /** @throws AssertionError with what the process wrote to stderr, unless it ended in one of the ways foreseen. */
  async expectExit(...allowed: (number | NodeJS.Signals)[]): Promise<number | NodeJS.Signals> {
    const exit = await this.exited;
    assert.ok(allowed.includes(exit), `a worker ended with ${String(exit)}: ${this.#errors}`);
    return exit;
  }
}

export interface ReplayChaos {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly comparison: Comparison;
  /** From the spawn after a kill to its first commit: the longest. */
  readonly slowestRecoveryMs: number;
}

/**
 * Replays A to B while `kills` SIGKILLs hit the worker (and, every tenth, the broker) at seeded moments. A kill counts only
 * when the worker was at work: it had not said that it finished.
 */
export async function replayUnderKills(
  scene: Scene,
  kills: number,
  stack: Stack,
  onFault: (fault: Fault) => void = () => undefined,
): Promise<ReplayChaos> {
  const random = Random.of(scene.seed);
  const started = performance.now();
  const faults: Fault[] = [];
  const order = orderOf(scene, commitRecordsFor(scene, kills));
  let slowestRecoveryMs = 0;
  let endedEarly = 0;
  while (faults.length < kills) {
    const spawned = performance.now();
    const hitsBroker = faults.length % 10 === 5;
    const point = random.pick(hitsBroker ? BROKER_KILL_POINTS : KILL_POINTS);
    const nth = point === 'InitProducerId' ? 1 : random.int(1, 4);
    const worker = new WorkerProcess(hitsBroker ? { ...order, stopBefore: { apiName: point, nth } } : order);
    const arrived = await worker.reaches(hitsBroker ? 'stopped' : point, hitsBroker ? 1 : nth);
    if (worker.times('commit') > 0)
      slowestRecoveryMs = Math.max(slowestRecoveryMs, performance.now() - spawned);
    if (!arrived) {
      // A broker just started may refuse its first caller, who ends and is followed by another; no kill to count.
      const exit = await worker.expectExit(EXIT.again, EXIT.fenced);
      assert.ok(++endedEarly <= kills, `too many workers ended by themselves, the last with ${String(exit)}`);
      continue;
    }
    await delay(jitterMs(random));
    assert.equal(worker.times('finished'), 0, 'the replay finished before the kill');
    const fault = {
      atMs: Math.round(performance.now() - started),
      target: hitsBroker ? 'kafka' : 'worker',
      action: `SIGKILL at ${point} ${String(nth)}`,
    };
    if (hitsBroker) await killBroker(stack, worker);
    worker.child.kill('SIGKILL');
    await worker.exited;
    faults.push(fault);
    onFault(fault);
  }
  await finish(order);
  return { seed: scene.seed, faults, comparison: await scene.compare(), slowestRecoveryMs };
}

/**
 * The broker dies while the worker is stopped before a request, its transaction open; the worker wakes up to a broker that
 * has restarted, and goes on or ends. It is stopped because Kafka 4.3 itself loses a transaction that it had begun to
 * commit when it was killed: the coordinator, loaded before the broker is registered again, finds no leader for the
 * partitions and skips their markers ("likely deleted already"), so that they stay undecided for ever.
 */
async function killBroker(stack: Stack, worker: WorkerProcess): Promise<void> {
  await worker.isStopped();
  stack.kill('kafka');
  await stack.waitReady('kafka');
  const requests = worker.said.length;
  worker.child.kill('SIGCONT');
  await waitUntil(
    'a worker that outlived its broker',
    () => Promise.resolve(worker.said.length > requests || !worker.running),
    { timeoutMs: 60_000, everyMs: 5 },
  );
}

/** Runs the slice to its end, whatever retryable errors it meets on the way. */
export async function finish(order: WorkerOrder): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const exit = await new WorkerProcess(order).expectExit(EXIT.finished, EXIT.fenced, EXIT.again);
    if (exit === EXIT.finished) return;
  }
  assert.fail('the replay did not finish in 50 attempts');
}

export function orderOf(scene: Scene, commitRecords: number): WorkerOrder {
  return {
    kafka: scene.kafka,
    slice: scene.slice,
    source: { topicId: scene.sourceId, partitions: PARTITIONS },
    target: { topic: scene.b, topicId: scene.targetId, partitions: PARTITIONS },
    commitRecords,
  };
}

/** A life commits 3 transactions before its kill and, on a busy machine, a few more until it is told; enough must be left. */
const commitRecordsFor = (scene: Scene, kills: number): number =>
  Math.max(200, Math.floor((scene.perPartition * PARTITIONS) / (kills * 20)));

/** Up to 5 ms after the point, so that kills fall into the middle of requests and answers too. */
const jitterMs = (random: Random): number => random.int(0, 6);
