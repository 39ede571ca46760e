import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../../src/generate/random.js';
import type { Config } from '../../../src/config.js';
import type { JobReport } from '../../../src/messages.js';
import { packageRoot } from '../../../src/package-root.js';
import { partialEnds } from '../../../src/stream/job-lap.js';
import type { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import type { LapLimits } from '../../../src/stream/run-slice.js';
import type { Fault } from '../report.js';
import { EXIT, type JobOrder, type OrderedJob } from './order.js';

const WORKER = join(packageRoot, 'dist', 'test', 'chaos', 'job', 'worker.js');
/** Small commits, so that a run has hundreds of moments to be killed at. */
const SLICE_LIMITS: Partial<LapLimits> = { commitRecords: 1_000, commitMs: 200 };
const MERGE_LIMITS: Partial<LapLimits> = { commitRecords: 20, commitMs: 50 };
/** A kill comes this many ms at most after one of these was said: in the middle of a commit, or of reading on. */
const MOST_DELAY_MS = 12;
const KILL_POINTS: Readonly<Record<string, number>> = {
  InitProducerId: MOST_DELAY_MS,
  AddPartitionsToTxn: MOST_DELAY_MS,
  Produce: MOST_DELAY_MS,
  EndTxn: MOST_DELAY_MS,
  commit: MOST_DELAY_MS,
};
/** Of a merge stage that may have one commit left: one killed after that would have nothing more to be killed at. */
const LAST_KILL_POINTS: Readonly<Record<string, number>> = {
  InitProducerId: MOST_DELAY_MS,
  AddPartitionsToTxn: 1,
};

/** One part of a job in a process of its own, started again whenever it is killed or has to try again. */
class Part {
  readonly name: JobReport['part'];
  readonly #order: JobOrder;
  readonly done: Promise<void>;
  #child!: ChildProcess;
  #errors = '';
  #finish!: () => void;
  #fail!: (error: unknown) => void;
  #waiting: { readonly point: string; readonly reached: () => void } | undefined;
  isDone = false;
  #isRetired = false;

  constructor(order: JobOrder) {
    this.name = order.part;
    this.#order = order;
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    this.done.catch(() => undefined); // thrown where it is awaited
    this.#start();
  }

  /** Resolves true when it says `point` next, false when it has finished before. */
  async says(point: string): Promise<boolean> {
    const reached = new Promise<boolean>((resolve) => {
      this.#waiting = { point, reached: () => resolve(true) };
    });
    return Promise.race([reached, this.done.then(() => false)]);
  }

  /** @returns whether it was at work. */
  kill(): boolean {
    return !this.isDone && this.#child.exitCode === null && this.#child.kill('SIGKILL');
  }

  /** Ends it for good. */
  async retire(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#isRetired = true;
    this.#child.kill('SIGKILL');
    await closed;
    this.isDone = true;
  }

  #start(): void {
    const child = spawn(process.execPath, [WORKER, JSON.stringify(this.#order)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { event } = JSON.parse(line) as { event: string };
      if (event !== this.#waiting?.point) return;
      const { reached } = this.#waiting;
      this.#waiting = undefined;
      reached();
    });
    child.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    child.on('close', (code, signal) => {
      if (this.#isRetired) return;
      if (signal === 'SIGKILL' || code === EXIT.again) this.#start();
      else if (code === EXIT.finished) {
        this.isDone = true;
        this.#finish();
      } else this.#fail(new Error(`part ${this.name} ended with ${String(code)}: ${this.#errors}`));
    });
  }
}

/** What is killed. */
export interface Victim {
  readonly kafka: Config['kafka'];
  readonly connection: KafkaConnection;
  readonly job: OrderedJob;
}

/**
 * Runs a bounded job with every slice, and the merge stage beside them, in a process of its own, killing one of them `kills`
 * times at seeded moments while it works. Then the merge stage alone goes on to the end, as the workflow has it.
 */
export async function runUnderKills(
  { kafka, connection, job }: Victim,
  kills: number,
  seed: number,
): Promise<Fault[]> {
  const order = { kafka, job, ends: null };
  const { plan } = job;
  const startedAt = performance.now();
  const slices = plan.slices.map(({ index }) => new Part({ ...order, part: index, limits: SLICE_LIMITS }));
  const following = new Part({ ...order, part: 'merge', limits: MERGE_LIMITS });
  const faults: Fault[] = [];
  const random = Random.of(seed, 7);
  const strike = async (parts: readonly Part[], until: number, points = KILL_POINTS): Promise<void> => {
    while (faults.length < until) {
      const left = parts.filter(({ isDone }) => !isDone);
      if (slices.every(({ isDone }) => isDone) && parts.includes(following)) return;
      if (left.length === 0) return;
      const part = random.pick(left);
      const [point, mostMs] = random.pick(Object.entries(points));
      const pauseMs = random.int(0, mostMs);
      const counted = Promise.all(slices.map(({ done }) => done)).then(() => false);
      // A merge stage that follows has nothing to say once all slices are done.
      const isThere = await (part === following
        ? Promise.race([part.says(point), counted])
        : part.says(point));
      if (!isThere) continue;
      await delay(pauseMs);
      if (!part.kill()) continue;
      const action = `SIGKILL ${pauseMs} ms after ${point}`;
      faults.push({ atMs: Math.round(performance.now() - startedAt), target: `part ${part.name}`, action });
    }
  };
  // Slices first: they are done long before a merge stage that is killed again and again.
  await strike(slices, Math.ceil((3 * kills) / 5));
  await strike([...slices, following], Math.ceil((4 * kills) / 5));
  await Promise.all(slices.map(({ done }) => done));
  await following.retire();
  const merge = new Part({
    ...order,
    part: 'merge',
    ends: await partialEnds(connection, plan),
    limits: MERGE_LIMITS,
  });
  await strike([merge], kills, LAST_KILL_POINTS);
  await merge.done;
  assert.equal(faults.length, kills, `only ${faults.length} of ${kills} kills met a part at work`);
  return faults;
}
