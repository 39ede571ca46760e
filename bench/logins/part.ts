/** One part of a cleaning in a process of its own: tells its parent every report. */
import { cleanMergeLap, cleanSliceLap } from '../../src/stream/clean/lap.js';
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import type { JobOrder } from '../../test/chaos/job/order.js';

const { kafka: config, job, part, ends, limits } = JSON.parse(process.argv[2] ?? '') as JobOrder;
if (job.kind !== 'clean') throw new RangeError(`measuring a ${job.kind}`);
const kafka = await KafkaConnection.open(config);
const deps = {
  kafka,
  now: Date.now,
  signal: new AbortController().signal,
  report: (report: object) => void process.send?.(report),
};
if (part === 'merge') await cleanMergeLap(deps, job.plan, ends, limits);
else await cleanSliceLap(deps, job.plan, part, limits);
