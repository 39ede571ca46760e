import assert from 'node:assert/strict';
import { CHECKPOINT_TOPIC } from '../../../src/stream/checkpoint-store.js';
import type { Scene } from './scene.js';
import { openTransactionalProducer } from './scene.js';
import { finish, orderOf, WorkerProcess } from './run.js';
import { EXIT } from './order.js';

/** Requests before which an owner may stall. With InitProducerId it has not become the owner yet. */
export const ZOMBIE_POINTS = ['InitProducerId', 'AddPartitionsToTxn', 'Produce', 'EndTxn'] as const;

/**
 * An owner stalls before a request, another takes over and commits; the stalled one wakes up in the middle of the other's
 * work. Past InitProducerId it must be fenced. Before it, it becomes the owner itself and fences the other: who may open a
 * slice is not Kafka's to say. Either way nothing it had in mind before may reach B.
 */
export async function zombieWakesUp(scene: Scene, before: (typeof ZOMBIE_POINTS)[number]): Promise<void> {
  const order = orderOf(scene, 5_000);
  const zombie = new WorkerProcess({
    ...order,
    stopBefore: { apiName: before, nth: before === 'InitProducerId' ? 1 : 3 },
  });
  await zombie.isStopped();
  const committed = zombie.times('commit');
  const owner = new WorkerProcess(order);
  assert.ok(await owner.reaches('commit', 2), 'the new owner ended too early');
  zombie.child.kill('SIGCONT');
  if (before === 'InitProducerId') {
    await Promise.all([
      zombie.expectExit(EXIT.finished, EXIT.fenced),
      owner.expectExit(EXIT.fenced, EXIT.finished),
    ]);
  } else {
    await zombie.expectExit(EXIT.fenced);
    assert.equal(zombie.times('commit'), committed, 'the zombie committed after it woke up');
    await owner.expectExit(EXIT.finished);
  }
  await finish(order);
}

/** A stalled owner that wakes up when another has long finished must find nothing to do. */
export async function zombieWakesUpLast(scene: Scene): Promise<void> {
  const order = orderOf(scene, 50_000);
  const zombie = new WorkerProcess({ ...order, stopBefore: { apiName: 'InitProducerId', nth: 1 } });
  await zombie.isStopped();
  await finish(order);
  zombie.child.kill('SIGCONT');
  await zombie.expectExit(EXIT.finished);
  assert.equal(zombie.times('commit'), 0, 'the late owner wrote something');
}

/**
 * Another slice's transaction hangs in our checkpoint partition while we take over. It holds the last stable offset below
 * our newest checkpoint: a reader that stopped there would start over and double what is in B.
 */
export async function neighbourHangs(scene: Scene): Promise<void> {
  const order = orderOf(scene, 1_000);
  const { partition } = scene.slice.place;
  const producer = await openTransactionalProducer(scene.client, `${scene.name}-neighbour`);
  const transaction = await producer.transaction();
  const first = new WorkerProcess(order);
  assert.ok(await first.reaches('commit', 1));
  await transaction.send({
    topic: CHECKPOINT_TOPIC,
    messages: [{ partition, key: 'neighbour', value: '{}' }],
  });
  // These checkpoints lie above the neighbour's open transaction.
  assert.ok(await first.reaches('commit', first.times('commit') + 3), 'the first owner ended too early');
  first.child.kill('SIGKILL');
  await first.expectExit('SIGKILL');
  const second = new WorkerProcess(order);
  // It owns the slice and waits for the neighbour: Fetch after Fetch, no transaction of its own.
  assert.ok(await second.reaches('InitProducerId', 1));
  assert.equal(second.times('commit'), 0, 'it went on before the partition was decided');
  await transaction.abort();
  await producer.disconnect();
  await second.expectExit(EXIT.finished);
}
