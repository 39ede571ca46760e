/** One slice of a replay, as a stream worker runs it. */
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { ReplayProcessor } from '../../src/stream/processors/replay.js';
import { DEFAULT_LIMITS, runSlice } from '../../src/stream/run-slice.js';
import { said, type CopyOrder } from './order.js';

const { kafka, slice, target, partitions, selection } = JSON.parse(process.argv[2] ?? '') as CopyOrder;
const connection = await KafkaConnection.open(kafka);
const processor = new ReplayProcessor({
  job: 'bench',
  source: { topicId: slice.source.topicId, partitions },
  target: { ...target, partitions },
  selection,
  timestamps: 'keep',
  now: Date.now,
});
const startedMs = performance.now();
const { checkpoint, outcome } = await runSlice(slice, DEFAULT_LIMITS, {
  source: connection,
  target: connection,
  processor,
  now: Date.now,
  report: () => undefined,
  signal: new AbortController().signal,
});
const elapsedMs = performance.now() - startedMs;
await connection.close();
if (outcome !== 'finished') throw new Error(`ended as ${outcome}`);
const read = Object.values(checkpoint.counts).reduce((sum, records) => sum + records, 0);
console.log(said({ read, written: checkpoint.counts.selected ?? 0, elapsedMs }));
