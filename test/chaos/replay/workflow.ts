import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../../../infra/embedded/index.js';
import { Tidemark } from '../../../src/client.js';
import { connectTemporal } from '../../../src/clients/temporal.js';
import { PipelineError } from '../../../src/core/errors.js';
import { replayWorkflowId, STREAM_QUEUE } from '../../../src/core/ids.js';
import { Random } from '../../../src/generate/random.js';
import { CHECKPOINT_TOPIC } from '../../../src/stream/checkpoint-store.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { freeze } from '../../../src/stream/log-positions.js';
import { waitUntil } from '../../../src/wait-until.js';
import { startReplayControl } from '../../support/start-replay-control.js';
import { isDecided } from '../../support/topic-records.js';
import { WorkerProcess } from '../../support/worker-process.js';
import type { ChaosReport, Fault } from '../report.js';
import { WINDOW } from './records.js';
import { Scene } from './scene.js';

const TARGETS = ['stream worker', 'broker', 'temporal', 'control worker'] as const;
type Target = (typeof TARGETS)[number];

const RECORDS = 1_000_000;
/** Of many kills each needs records of its own: at a lower rate commits, and with them takeovers, would become rare. */
const RECORDS_PER_KILL = 15_500;
/** Time one kill may take on average, until the job has gone on: the rate leaves records for all of them. A busy machine takes 45 s. */
const MS_PER_KILL = 70_000;
/** Markers are written within milliseconds of a commit; a transaction undecided for longer has not begun to end. */
const COMMIT_MS = 2_000;

export interface WorkflowChaosReport extends ChaosReport {
  /** From the SIGKILL of the stream worker that held the slice to the second commit after it, the longest. */
  readonly slowestTakeoverMs: number;
}

/**
 * Runs the workflow `replayTopicRange` over a million records and more while SIGKILLs hit the worker that holds the slice, the broker,
 * the Temporal server and the worker of the workflow, at seeded moments. Two stream workers poll: one is always left to take
 * over. Each kill lands while the job is at work: B has grown before it, and grows again behind it.
 */
export async function replayWorkflowChaos(
  stack: Stack,
  seed: number,
  kills: number,
  onFault: (fault: Fault) => void = () => undefined,
): Promise<WorkflowChaosReport> {
  const records = Math.max(RECORDS, kills * RECORDS_PER_KILL);
  const scene = new Scene(`workflow.${String(seed)}`, stack.config.kafka, seed, records);
  await scene.prepare();
  const kafka = await KafkaConnection.open(stack.config.kafka);
  const tidemark = new Tidemark(stack.config);
  const job = `chaos-${String(seed)}`;
  const services = await Services.start(stack, job, kafka, scene.b);
  const random = Random.of(seed, 1);
  const startedMs = performance.now();
  const faults: Fault[] = [];
  let slowestTakeoverMs = 0;
  try {
    await tidemark.replay.start({
      job,
      source: scene.a,
      target: scene.b,
      selection: { window: WINDOW },
      rate: { recordsPerSecond: Math.floor((1_000 * records) / (kills * MS_PER_KILL)) },
    });
    await commits(kafka, scene.b, 2);
    for (const target of targets(random, kills)) {
      await delay(random.int(0, 1_500)); // the seeded moment
      const atMs = await services.kill(target);
      await commits(kafka, scene.b, 2).catch((cause: unknown) => {
        throw new Error(`after ${target} as kill ${faults.length + 1} of ${kills}: ${String(cause)}`, {
          cause,
        });
      });
      const tookMs = performance.now() - atMs;
      if (target === 'stream worker') slowestTakeoverMs = Math.max(slowestTakeoverMs, tookMs);
      const fault = { atMs: Math.round(atMs - startedMs), target, action: 'SIGKILL' };
      faults.push(fault);
      onFault(fault);
      await services.allReady();
    }
    await tidemark.replay.rate(job, {});
    const result = await tidemark.replay.wait(job);
    assert.equal(result.verification?.verdict, 'passed');
    const comparison = await scene.compare();
    const { expected, found, lost, doubled, different } = comparison;
    const ok = expected > 0 && found === expected && lost + doubled + different === 0;
    return { chaos: 'replay-workflow', seed, faults, ...comparison, slowestTakeoverMs, ok };
  } finally {
    await services.end();
    await tidemark.close();
    await kafka.close();
  }
}

/** All four in a seeded order, again and again. */
function* targets(random: Random, kills: number): Generator<Target> {
  let left: Target[] = [];
  for (let i = 0; i < kills; i++) {
    if (left.length === 0) left = [...TARGETS];
    const target = random.pick(left);
    left = left.filter((other) => other !== target);
    yield target;
  }
}

/** Resolves when B has grown that many times. */
async function commits(kafka: KafkaConnection, topic: string, times: number): Promise<void> {
  const length = async (): Promise<number> => {
    const { partitions } = await freeze(kafka, topic);
    return partitions.reduce((sum, { lastStableOffset }) => sum + lastStableOffset, 0);
  };
  let last = await length();
  let grown = 0;
  await waitUntil(
    `${String(times)} commits in ${topic}`,
    async () => {
      const now = await length();
      if (now > last) grown++;
      last = now;
      return grown >= times;
    },
    { timeoutMs: 60_000, everyMs: 50 },
  );
}

/** What is killed: the stack's own stream worker and a second one, a worker for the workflows, and the servers. */
class Services {
  readonly #stack: Stack;
  readonly #job: string;
  readonly #kafka: KafkaConnection;
  readonly #target: string;
  readonly #temporal: Awaited<ReturnType<typeof connectTemporal>>;
  #second!: WorkerProcess;
  #control!: WorkerProcess;

  private constructor(
    stack: Stack,
    job: string,
    kafka: KafkaConnection,
    target: string,
    temporal: Awaited<ReturnType<typeof connectTemporal>>,
  ) {
    this.#stack = stack;
    this.#job = job;
    this.#kafka = kafka;
    this.#target = target;
    this.#temporal = temporal;
  }

  static async start(stack: Stack, job: string, kafka: KafkaConnection, target: string): Promise<Services> {
    const temporal = await connectTemporal(stack.config);
    const services = new Services(stack, job, kafka, target, temporal);
    services.#second = await startStream(stack);
    services.#control = await startReplayControl(stack);
    return services;
  }

  /** @returns when the SIGKILL was sent. */
  async kill(target: Target): Promise<number> {
    switch (target) {
      case 'stream worker': {
        const pid = await this.#holder();
        const atMs = performance.now();
        if (pid === this.#second.child.pid) await this.#second.end('SIGKILL');
        else this.#stack.kill('stream', 'SIGKILL');
        return atMs;
      }
      case 'broker':
        return this.#killBroker();
      case 'temporal':
        this.#stack.kill('temporal', 'SIGKILL');
        return performance.now();
      case 'control worker':
        await this.#control.end('SIGKILL');
        return performance.now();
    }
  }

  /**
   * The broker dies while the owner of the slice is stopped at any point of its transaction, but for the milliseconds between
   * the commit and its markers: there Kafka 4.3 itself may lose the markers (docs/replay.md). The owner sleeps on while
   * another takes over, and wakes up as a zombie.
   */
  async #killBroker(): Promise<number> {
    const pid = await this.#holder();
    process.kill(pid, 'SIGSTOP');
    try {
      await this.#notCommitting();
      this.#stack.kill('kafka', 'SIGKILL');
      const atMs = performance.now();
      await this.#stack.waitReady('kafka');
      return atMs;
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  }

  async #notCommitting(): Promise<void> {
    const areDecided = async (): Promise<boolean> => {
      const topics = [this.#target, CHECKPOINT_TOPIC];
      return (await Promise.all(topics.map((topic) => isDecided(this.#kafka, topic)))).every(Boolean);
    };
    await waitUntil('no commit under way', areDecided, { timeoutMs: COMMIT_MS, everyMs: 20 }).catch(
      (error: unknown) => {
        // Longer than a commit takes: what is open has not begun to end.
        if (!(error instanceof PipelineError) || error.code !== 'WAITED_TOO_LONG') throw error;
      },
    );
  }

  /** Process id of the worker whose attempt holds the slice. */
  async #holder(): Promise<number> {
    const pid = await waitUntil(
      'a worker that holds the slice',
      async () => {
        const handle = this.#temporal.workflow.getHandle(replayWorkflowId(this.#job));
        const { raw } = await handle.describe();
        const lap = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'runReplayLap');
        return Number.parseInt(lap?.lastWorkerIdentity ?? '', 10) || undefined;
      },
      { timeoutMs: 30_000 },
    );
    const workers = [this.#stack.service('stream').pid, this.#second.child.pid];
    assert.ok(workers.includes(pid), `who is ${String(pid)}?`);
    return pid;
  }

  async allReady(): Promise<void> {
    await this.#stack.waitReady('temporal');
    await this.#stack.waitReady('stream');
    if (!this.#second.running) this.#second = await startStream(this.#stack);
    if (!this.#control.running) this.#control = await startReplayControl(this.#stack);
  }

  async end(): Promise<void> {
    await Promise.all([this.#control.end(), this.#second.end(), this.#temporal.connection.close()]);
  }
}

async function startStream(stack: Stack): Promise<WorkerProcess> {
  const worker = new WorkerProcess(stack, 'src/workers/stream.js');
  await worker.polls(stack, STREAM_QUEUE, 'activity');
  return worker;
}
