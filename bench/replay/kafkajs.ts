/**
 * The plain loop: eachBatch, filter by timestamp, a transaction a batch with the group's offsets (sendOffsets), provenance
 * as a header. kafkajs with the settings that make it fast: batches of up to 5,000 records, a short retry pause.
 */
import type { EachBatchPayload, IHeaders } from 'kafkajs';
import { isSelectedTime } from '../../src/core/filter.js';
import { encodeProvenance, PROVENANCE_HEADER } from '../../src/core/provenance.js';
import { kafkaOf } from '../../test/chaos/replay/scene.js';
import { said, type CopyOrder } from './order.js';

/** Above this many records a partition and send, kafkajs is quadratic. */
const SEND_RECORDS = 5_000;

const { kafka, slice, target, selection } = JSON.parse(process.argv[2] ?? '') as CopyOrder;
const client = kafkaOf(kafka);
const { topic, topicId, ranges } = slice.source;
const groupId = slice.transactionalId;
const producer = client.producer({
  transactionalId: groupId,
  idempotent: true,
  maxInFlightRequests: 1,
  retry: { initialRetryTime: 2 },
});
const consumer = client.consumer({ groupId, readUncommitted: false, maxBytesPerPartition: 1 << 20 });
await Promise.all([producer.connect(), consumer.connect()]);
await consumer.subscribe({ topic, fromBeginning: true });

const open = new Map(ranges.map(({ partition, endOffset = 0 }) => [partition, endOffset]));
let startedMs: number | undefined;
let [read, written] = [0, 0];
await new Promise<void>((resolve, reject) => {
  // A consumer that restarts by itself goes on: a broker's first group may still be loading.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) reject(payload.error);
  });
  consumer.run({ autoCommit: false, eachBatch: (payload) => copy(payload, resolve) }).catch(reject);
});
const elapsedMs = performance.now() - (startedMs ?? 0);
await Promise.all([consumer.disconnect(), producer.disconnect()]);
console.log(said({ read, written, elapsedMs }));

async function copy(payload: EachBatchPayload, done: () => void): Promise<void> {
  startedMs ??= performance.now();
  const { batch } = payload;
  const { partition } = batch;
  for (let at = 0; at < batch.messages.length; at += SEND_RECORDS) {
    const part = batch.messages.slice(at, at + SEND_RECORDS);
    const messages = part
      .filter(({ timestamp }) => isSelectedTime(selection, Number(timestamp)))
      .map(({ key, value, timestamp, headers, offset }) => {
        const provenance = encodeProvenance({ topicId, partition, offset: Number(offset), job: 'bench' });
        const all: IHeaders = { ...headers, [PROVENANCE_HEADER]: provenance };
        return { key, value, timestamp, headers: all, partition };
      });
    const last = part.at(-1)?.offset ?? '0';
    const transaction = await producer.transaction();
    if (messages.length > 0) await transaction.send({ topic: target.topic, messages });
    const offset = String(Number(last) + 1);
    await transaction.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic, partitions: [{ partition, offset }] }],
    });
    await transaction.commit();
    payload.resolveOffset(last);
    read += part.length;
    written += messages.length;
    if (Number(offset) >= (open.get(partition) ?? 0)) open.delete(partition);
  }
  if (open.size === 0) done();
}
