/**
 * Ours from Kafka: a bounded count, checkpoints, results and sketches written, every slice but the first in a process of its
 * own, which begins as a stream worker does. `count-topic.js <order>`; the order is JSON.
 */
import '../../src/compile-later.js';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../src/config.js';
import type { UniqueUsersResult } from '../../src/core/uniques-result.js';
import type { CountPlan } from '../../src/messages.js';
import { countMergeLap, countSliceLap } from '../../src/stream/count/lap.js';
import { partialEnds } from '../../src/stream/job-lap.js';
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { eachOfTopic } from '../../test/support/topic-records.js';
import { ownUsage, sayUsage } from './say-usage.js';

export interface TopicOrder {
  readonly kafka: Config['kafka'];
  readonly plan: CountPlan;
  /** Only this slice, for a process that helps. */
  readonly slice?: number;
}

type Usage = ReturnType<typeof ownUsage>;

const order = JSON.parse(process.argv[2] ?? '') as TopicOrder;
const { plan } = order;
const kafka = await KafkaConnection.open(order.kafka);
const deps = { kafka, now: Date.now, signal: new AbortController().signal, report: () => undefined };
if (order.slice === undefined) await countAll();
else {
  await countSliceLap(deps, plan, order.slice);
  process.send!(ownUsage());
  process.disconnect();
}
await kafka.close();

async function countAll(): Promise<void> {
  const helpers = plan.slices.slice(1).map(({ index }) => help(index));
  await countSliceLap(deps, plan, 0);
  const used = await Promise.all(helpers);
  const merged = await countMergeLap(deps, plan, await partialEnds(kafka, plan));
  sayUsage(merged.counts.read ?? 0, await usersOfYears(), {
    cpuMs: used.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    peakRssMb: used.reduce((sum, { peakRssMb }) => sum + peakRssMb, 0),
  });
}

async function help(slice: number): Promise<Usage> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify({ ...order, slice })]);
  const [usage] = (await once(child, 'message')) as [Usage];
  return usage;
}

/** From the topic of results: what a reader of it sees. */
async function usersOfYears(): Promise<number> {
  const newest = new Map<string, number>();
  await eachOfTopic(kafka, plan.target.topic, (cursor) => {
    const { window, start, users } = JSON.parse(cursor.value()!.toString()) as UniqueUsersResult;
    if (window === 'year') newest.set(start, users);
  });
  return [...newest.values()].reduce((sum, users) => sum + users, 0);
}
