import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../../../infra/embedded/index.js';
import { Tidemark } from '../../../src/client.js';
import { connectTemporal } from '../../../src/clients/temporal.js';
import { CONTROL_QUEUE, replayWorkflowId, STREAM_QUEUE } from '../../../src/core/ids.js';
import { Random } from '../../../src/generate/random.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { freeze } from '../../../src/stream/log-positions.js';
import { waitUntil } from '../../../src/wait-until.js';
import { WorkerProcess } from '../../support/worker-process.js';
import type { ChaosReport, Fault } from '../report.js';
import { WINDOW } from './records.js';
import { Scene } from './scene.js';

const TARGETS = ['stream worker', 'temporal', 'control worker'] as const;
const RECORDS = 200_000;
/** Slow enough that every fault finds it at work. */
const RECORDS_PER_SECOND = 5_000;

export interface WorkflowChaosReport extends ChaosReport {
  /** From the SIGKILL of the stream worker that held the slice to the second commit after it, the longest. */
  readonly slowestTakeoverMs: number;
}

/**
 * Runs the workflow `replayTopicRange` while SIGKILLs hit the worker that holds the slice, the Temporal server and the
 * worker of the workflow in turn, at seeded moments. Two stream workers poll: one is always left to take over.
 */
export async function replayWorkflowChaos(
  stack: Stack,
  seed: number,
  kills: number,
): Promise<WorkflowChaosReport> {
  const scene = new Scene(`workflow.${String(seed)}`, stack.config.kafka, seed, RECORDS);
  await scene.prepare();
  const kafka = await KafkaConnection.open(stack.config.kafka);
  const tidemark = new Tidemark(stack.config);
  const job = `chaos-${String(seed)}`;
  const workers = await startWorkers(stack, job);
  const random = Random.of(seed, 1);
  const startedMs = performance.now();
  const faults: Fault[] = [];
  let slowestTakeoverMs = 0;
  try {
    const rate = { recordsPerSecond: RECORDS_PER_SECOND };
    await tidemark.replay.start({
      job,
      source: scene.a,
      target: scene.b,
      selection: { window: WINDOW },
      rate,
    });
    await commits(kafka, scene.b, 2);
    for (let i = 0; i < kills; i++) {
      const target = TARGETS[i % TARGETS.length] ?? 'temporal';
      await delay(random.int(0, 1_500)); // the seeded moment
      await workers.kill(target);
      const atMs = performance.now();
      await commits(kafka, scene.b, 2);
      const tookMs = performance.now() - atMs;
      if (target === 'stream worker') slowestTakeoverMs = Math.max(slowestTakeoverMs, tookMs);
      faults.push({ atMs: Math.round(atMs - startedMs), target, action: 'SIGKILL' });
      await workers.allReady();
    }
    await tidemark.replay.rate(job, {});
    const result = await tidemark.replay.wait(job);
    assert.equal(result.verification?.verdict, 'passed');
    const comparison = await scene.compare();
    const { expected, found, lost, doubled, different } = comparison;
    const ok = expected > 0 && found === expected && lost + doubled + different === 0;
    return { chaos: 'replay-workflow', seed, faults, ...comparison, slowestTakeoverMs, ok };
  } finally {
    await workers.end();
    await tidemark.close();
    await kafka.close();
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

/** The stack's own stream worker, a second one, and one for the workflows. */
async function startWorkers(stack: Stack, job: string) {
  const temporal = await connectTemporal(stack.config);
  let second = await startStream(stack);
  let control = await startControl(stack);
  /** Process id of the worker whose attempt holds the slice. */
  const holder = (): Promise<number> =>
    waitUntil(
      'a worker that holds the slice',
      async () => {
        const { raw } = await temporal.workflow.getHandle(replayWorkflowId(job)).describe();
        const lap = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'runReplayLap');
        return Number.parseInt(lap?.lastWorkerIdentity ?? '', 10) || undefined;
      },
      { timeoutMs: 30_000 },
    );
  return {
    async kill(target: (typeof TARGETS)[number]): Promise<void> {
      switch (target) {
        case 'stream worker': {
          const pid = await holder();
          assert.ok([stack.service('stream').pid, second.child.pid].includes(pid), `who is ${String(pid)}?`);
          if (pid === second.child.pid) await second.end('SIGKILL');
          else stack.kill('stream', 'SIGKILL');
          return;
        }
        case 'temporal':
          stack.kill('temporal', 'SIGKILL');
          return;
        case 'control worker':
          await control.end('SIGKILL');
      }
    },
    async allReady(): Promise<void> {
      await stack.waitReady('temporal');
      await stack.waitReady('stream');
      if (!second.running) second = await startStream(stack);
      if (!control.running) control = await startControl(stack);
    },
    async end(): Promise<void> {
      await Promise.all([control.end(), second.end(), temporal.connection.close()]);
    },
  };
}

async function startStream(stack: Stack): Promise<WorkerProcess> {
  const worker = new WorkerProcess(stack, 'src/workers/stream.js');
  await worker.polls(stack, STREAM_QUEUE, 'activity');
  return worker;
}

async function startControl(stack: Stack): Promise<WorkerProcess> {
  const control = new WorkerProcess(stack, 'test/support/replay-control.js');
  await control.polls(stack, CONTROL_QUEUE, 'workflow');
  return control;
}
