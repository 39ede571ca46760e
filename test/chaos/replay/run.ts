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
import { EXIT, type WorkerOrder } from './order.js';

const WORKER = join(packageRoot, 'dist', 'test', 'chaos', 'replay', 'worker.js');
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
 * when the worker was at work: it had not said that it finished, and died by the signal.
 */
export async function replayUnderKills(scene: Scene, kills: number, stack: Stack): Promise<ReplayChaos> {
  const random = Random.of(scene.seed);
  const started = performance.now();
  const faults: Fault[] = [];
  const order = orderOf(scene, commitRecordsFor(scene, kills));
  let slowestRecoveryMs = 0;
  while (faults.length < kills) {
    const spawned = performance.now();
    const worker = new WorkerProcess(order);
    const hitsBroker = faults.length % 10 === 5;
    const point = random.pick(KILL_POINTS);
    const nth = point === 'InitProducerId' ? 1 : random.int(1, 4);
    const arrived = await worker.reaches(point, nth);
    if (worker.times('commit') > 0)
      slowestRecoveryMs = Math.max(slowestRecoveryMs, performance.now() - spawned);
    assert.ok(arrived && worker.running, 'the replay ended before all kills were done: too few transactions');
    await delay(jitterMs(random));
    assert.equal(worker.times('finished'), 0, 'the replay finished before the kill');
    const action = `SIGKILL at ${point} ${String(nth)}`;
    const atMs = Math.round(performance.now() - started);
    if (hitsBroker) {
      stack.kill('kafka');
      faults.push({ atMs, target: 'kafka', action });
      await worker.expectExit(EXIT.again, EXIT.fenced);
      await stack.waitReady('kafka');
    } else {
      worker.child.kill('SIGKILL');
      await worker.expectExit('SIGKILL');
      faults.push({ atMs, target: 'worker', action });
    }
  }
  await finish(order);
  return { seed: scene.seed, faults, comparison: await scene.compare(), slowestRecoveryMs };
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

/** A life commits at most 3 transactions before its kill; twice that must be left for the last. */
const commitRecordsFor = (scene: Scene, kills: number): number =>
  Math.max(200, Math.floor((scene.perPartition * PARTITIONS) / (kills * 8)));

/** Up to 5 ms after the point, so that kills fall into the middle of requests and answers too. */
const jitterMs = (random: Random): number => random.int(0, 6);
