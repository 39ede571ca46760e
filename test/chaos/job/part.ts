import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { JobReport } from '../../../src/messages.js';
import { packageRoot } from '../../../src/package-root.js';
import type { LapLimits } from '../../../src/stream/run-slice.js';
import { EXIT, type JobOrder } from './order.js';

const WORKER = join(packageRoot, 'dist', 'test', 'chaos', 'job', 'worker.js');
/** Small commits, so that a run has hundreds of moments to be killed at. */
const SLICE_LIMITS: Partial<LapLimits> = { commitRecords: 1_000, commitMs: 200 };
const MERGE_LIMITS: Partial<LapLimits> = { commitRecords: 20, commitMs: 50 };
/** A kill comes this many ms at most after a part has said one of these: in the middle of a commit, or of reading on. */
export const MOST_DELAY_MS = 12;
export const COMMIT_POINTS = ['AddPartitionsToTxn', 'Produce', 'EndTxn', 'commit'] as const;

/** One part of a job in a process of its own, started again whenever it is killed or has to try again. */
export class Part {
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

  constructor(order: Omit<JobOrder, 'limits'>) {
    this.name = order.part;
    this.#order = { ...order, limits: order.part === 'merge' ? MERGE_LIMITS : SLICE_LIMITS };
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
    // One that has ended by itself may have been closed before.
    if (this.#child.kill('SIGKILL')) await closed;
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
