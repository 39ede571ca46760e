import assert from 'node:assert/strict';
import { TopicWriter } from '../../../src/generate/writers/topic.js';
import type { Compression } from '../../../src/stream/compression.js';
import type { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { batchesOf } from '../../../src/stream/fetched-batches.js';
import type { RecordBatch } from '../../../src/stream/record-batch.js';
import type { OutputRecord } from '../../../src/stream/record-batch-builder.js';
import type { KafkaRequest } from '../../../src/stream/requests.js';
import { WireReader } from '../../../src/stream/wire.js';

const RECORD_TOO_LARGE = 10;

/** A broker that answers when a test lets it, and keeps what came. */
class SlowBroker {
  readonly came: { readonly partition: number; readonly batch: RecordBatch }[] = [];
  readonly #waiting: (() => void)[] = [];
  errorCode = 0;

  topic = () => Promise.resolve({ partitions: [{}, {}] });
  leader = () => Promise.resolve(1);

  async send<T>(_node: number, { body }: KafkaRequest<T>): Promise<unknown> {
    const reader = new WireReader(Buffer.concat([...body]));
    reader.string();
    reader.int16();
    reader.int32();
    let partition = -1;
    reader.array(() => {
      reader.string();
      reader.array(() => {
        partition = reader.int32();
        for (const batch of batchesOf(Buffer.from(reader.bytes()))) this.came.push({ partition, batch });
      });
    });
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return [{ topic: 't', partition, errorCode: this.errorCode }];
  }

  /** Answers what has come so far, and whatever comes. */
  answer(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#waiting.push = (...resolves) => (resolves.forEach((resolve) => resolve()), 0);
  }

  open(compression?: Compression): Promise<TopicWriter> {
    return TopicWriter.open(this as unknown as KafkaConnection, 't', compression);
  }

  /** All values of a partition, in the order in which they came. */
  valuesOf(wanted: number): string[] {
    const values: string[] = [];
    for (const { partition, batch } of this.came) {
      if (partition !== wanted) continue;
      batch.verifyChecksum();
      const cursor = batch.records();
      while (cursor.next()) values.push(cursor.value()!.toString());
    }
    return values;
  }
}

/** So many records of so many bytes, to both partitions in turn. */
async function writeAll(writer: TopicWriter, count: number, bytes: number): Promise<string[][]> {
  const written: string[][] = [[], []];
  for (let i = 0; i < count; i++) {
    const value = String(i).padEnd(bytes, 'x');
    written[i % 2]!.push(value);
    const { length } = Buffer.from(value);
    await writer.addValue(i % 2, 1, Buffer.from(value), 0, length);
  }
  await writer.flush();
  return written;
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('generate/topic-writer', () => {
  for (const compression of ['none', 'lz4', 'gzip', 'zstd'] as const) {
    it(`writes each record once and in order, batches below the limit of brokers: ${compression}`, async () => {
      const broker = new SlowBroker();
      broker.answer();
      const written = await writeAll(await broker.open(compression), 3_000, 2_000);
      assert.deepEqual([broker.valuesOf(0), broker.valuesOf(1)], written);
      const sizes = broker.came.map(({ batch }) => batch.end - batch.start);
      assert.ok(Math.max(...sizes) <= 1_048_588);
      if (compression === 'none') assert.ok(Math.max(...sizes) > 900_000, 'and not far below');
    });
  }

  it('sends a batch before a record that would make it too large, whatever came before', async () => {
    const broker = new SlowBroker();
    broker.answer();
    const writer = await broker.open();
    const sizes = [
      ...Array.from({ length: 900 }, () => 1_000),
      150_000,
      10,
      600_000,
      500_000,
      10,
      1_040_000,
      10,
    ];
    const written = sizes.map((bytes, i) => String(i).padEnd(bytes, 'x'));
    for (const text of written) await writer.add(0, { timestampMs: 1, key: null, value: Buffer.from(text) });
    await writer.flush();
    assert.deepEqual(broker.valuesOf(0), written);
    const batches = broker.came.map(({ batch }) => batch.end - batch.start);
    assert.ok(Math.max(...batches) <= 1_048_588);
    assert.equal(batches.length, 5);
  });

  it('sends a batch of so many small records, however few bytes they are', async () => {
    const broker = new SlowBroker();
    broker.answer();
    const writer = await broker.open();
    for (let i = 0; i < 20_000; i++) await writer.addValue(0, 1, Buffer.from(String(i)), 0, String(i).length);
    await writer.flush();
    assert.deepEqual(
      broker.came.map(({ batch }) => batch.recordCount),
      [8_000, 8_000, 4_000],
    );
  });

  const full = (text: string): OutputRecord => ({
    timestampMs: 1,
    key: null,
    value: Buffer.from(text.padEnd(990_000, 'x')),
  });

  it('has four batches of a partition under way, and waits for the first before the fifth', async () => {
    const broker = new SlowBroker();
    const writer = await broker.open();
    let added = 0;
    const writing = (async () => {
      for (let i = 0; i < 7; i++) {
        await writer.add(0, full(String(i)));
        added += 1;
      }
      await writer.flush();
    })();
    await turns(20);
    assert.deepEqual([added, broker.came.length], [5, 4], 'the fifth is being filled');
    broker.answer();
    await writing;
    assert.deepEqual(
      broker.valuesOf(0).map((value) => value[0]),
      ['0', '1', '2', '3', '4', '5', '6'],
    );
  });

  it('sends nothing more once a broker has refused a batch, and says so to every call', async () => {
    const broker = new SlowBroker();
    broker.errorCode = RECORD_TOO_LARGE;
    broker.answer();
    const writer = await broker.open();
    await writer.add(1, full('a'));
    await writer.add(1, full('b'));
    await turns(20);
    await assert.rejects(async () => writer.add(1, full('c')), /writing to t-1/);
    await assert.rejects(async () => writer.addValue(0, 1, Buffer.from('d'), 0, 1), /writing to t-1/);
    await assert.rejects(writer.flush(), /writing to t-1/);
    await assert.rejects(writer.flush(), /writing to t-1/);
    assert.equal(broker.came.length, 1);
  });

  it('says so when no broker can be asked', async () => {
    const broker = new SlowBroker();
    broker.leader = () => Promise.reject(new Error('no leader'));
    const writer = await broker.open('lz4');
    await writer.add(0, { timestampMs: 1, key: null, value: Buffer.from('a') });
    await assert.rejects(writer.flush(), /no leader/);
    assert.equal(broker.came.length, 0);
  });
});
