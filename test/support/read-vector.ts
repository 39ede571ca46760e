/** Prints the values that a reader finds in a batch given in hex, in a process that has read nothing before: `read-vector.js <hex>`. */
import type { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { LogReader } from '../../src/stream/log-reader.js';

const bytes = Buffer.from(process.argv[2] ?? '', 'hex');
const partition = {
  partition: 0,
  errorCode: 0,
  highWatermark: 11,
  lastStableOffset: 11,
  logStartOffset: 0,
  aborted: [],
  bytes,
};
const connection = {
  patienceMs: 1_000,
  buffers: { give: () => undefined },
  whileMoving: <T>(attempt: (fresh: boolean) => Promise<T>): Promise<T> => attempt(false),
  leader: () => Promise.resolve(1),
  send: () => Promise.resolve({ errorCode: 0, throttleMs: 0, partitions: [partition] }),
} as unknown as KafkaConnection;

const reader = new LogReader(connection, 't', [{ partition: 0, startOffset: 7, endOffset: 11 }]);
const values: (string | null)[] = [];
for (let events = await reader.read(); events !== undefined; events = await reader.read()) {
  for (const event of events) {
    if (event.kind === 'gap') throw new Error('a gap');
    for (const batch of event.batches()) {
      const cursor = batch.records(event.startOffset, event.endOffset);
      while (cursor.next()) values.push(cursor.value()?.toString('hex') ?? null);
    }
  }
}
process.stdout.write(JSON.stringify(values));
