/** The reader alone: every committed record is looked at, its bytes counted, checksums checked. */
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { LogReader } from '../../src/stream/log-reader.js';
import { said, type CopyOrder } from './order.js';

const { kafka, slice } = JSON.parse(process.argv[2] ?? '') as CopyOrder;
const connection = await KafkaConnection.open(kafka);
const startedMs = performance.now();
const reader = new LogReader(connection, slice.source.topic, slice.source.ranges, {
  topicId: slice.source.topicId,
});
let read = 0;
let bytes = 0;
for (let events = await reader.read(); events !== undefined; events = await reader.read()) {
  for (const event of events) {
    if (event.kind === 'gap') throw new Error('records are gone');
    for (const batch of event.batches()) {
      const cursor = batch.records(event.startOffset, event.endOffset);
      while (cursor.next()) {
        read++;
        bytes += cursor.keyValueEnd - cursor.keyValueStart;
      }
    }
  }
}
const elapsedMs = performance.now() - startedMs;
await connection.close();
if (bytes === 0) throw new Error('nothing was read');
console.log(said({ read, written: 0, elapsedMs }));
