import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../../src/generate/random.js';
import type { Config } from '../../../src/config.js';
import { partialEnds } from '../../../src/stream/job-lap.js';
import type { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import type { Fault } from '../report.js';
import type { OrderedJob } from './order.js';
import { COMMIT_POINTS, MOST_DELAY_MS, Part } from './part.js';

/** What a part says, and how many ms at most after it a kill comes. */
const KILL_POINTS: Readonly<Record<string, number>> = Object.fromEntries(
  ['InitProducerId', ...COMMIT_POINTS].map((point) => [point, MOST_DELAY_MS]),
);
/** Of a merge stage that may have one commit left: one killed after that would have nothing more to be killed at. */
const LAST_KILL_POINTS: Readonly<Record<string, number>> = {
  InitProducerId: MOST_DELAY_MS,
  AddPartitionsToTxn: 1,
};

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
  const slices = plan.slices.map(({ index }) => new Part({ ...order, part: index }));
  const following = new Part({ ...order, part: 'merge' });
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
  });
  await strike([merge], kills, LAST_KILL_POINTS);
  await merge.done;
  assert.equal(faults.length, kills, `only ${faults.length} of ${kills} kills met a part at work`);
  return faults;
}
