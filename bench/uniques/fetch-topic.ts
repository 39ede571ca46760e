/** The ceiling: the same topic fetched, its checksums checked and its records walked over, nothing counted. `fetch-topic.js <order>`. */
import '../../src/compile-later.js';
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { LogReader } from '../../src/stream/log-reader.js';
import type { TopicOrder } from './count-topic.js';
import { sayUsage } from './say-usage.js';

const { kafka: config, plan } = JSON.parse(process.argv[2] ?? '') as TopicOrder;
const kafka = await KafkaConnection.open(config);
const ranges = plan.slices
  .flatMap((slice) => slice.ranges)
  .map(({ partition, startOffset, endOffset }) => ({
    partition,
    startOffset: Number(startOffset),
    endOffset: Number(endOffset),
  }));
const reader = new LogReader(kafka, plan.source.topic, ranges);
let frames = 0;
for (let events = await reader.read(); events !== undefined; events = await reader.read()) {
  for (const event of events) {
    if (event.kind === 'gap') throw new Error('frames are gone');
    for (const batch of event.batches()) {
      const cursor = batch.records(event.startOffset, event.endOffset);
      while (cursor.next()) frames += 1;
    }
  }
}
sayUsage(frames, 0);
await kafka.close();
