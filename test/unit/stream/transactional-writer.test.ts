import assert from 'node:assert/strict';
import { PipelineError } from '../../../src/core/errors.js';
import type { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { BrokerError } from '../../../src/stream/kafka-errors.js';
import { batchesOf } from '../../../src/stream/fetched-batches.js';
import type { RecordBatch } from '../../../src/stream/record-batch.js';
import type { KafkaRequest, PartitionError } from '../../../src/stream/requests.js';
import { TransactionalWriter } from '../../../src/stream/transactional-writer.js';
import { WireReader } from '../../../src/stream/wire.js';

interface Produced {
  readonly partition: number;
  readonly batch: RecordBatch;
}

/** A broker that answers as told: notes every request by name, and keeps what was produced. */
class FakeBroker {
  readonly patienceMs = 200;
  readonly asked: string[] = [];
  readonly produced: Produced[] = [];
  /** Error codes to answer with, by name of the request, before it succeeds. */
  readonly errors = new Map<string, number[]>();
  inFlight = 0;
  mostInFlight = 0;

  whileMoving = <T>(attempt: (fresh: boolean) => Promise<T>): Promise<T> => attempt(false);
  transactionCoordinator = (): Promise<number> => Promise.resolve(1);
  leader = (): Promise<number> => Promise.resolve(1);

  async send<T>(_node: number, request: KafkaRequest<T>): Promise<unknown> {
    this.asked.push(request.apiName);
    const errorCode = this.errors.get(request.apiName)?.shift() ?? 0;
    switch (request.apiName) {
      case 'InitProducerId':
        return { errorCode, producerId: 7n, producerEpoch: 3 };
      case 'EndTxn':
        return errorCode;
      case 'AddPartitionsToTxn':
        return [{ topic: 't', partition: 0, errorCode }] satisfies PartitionError[];
      default:
        return this.#produce(request.body, errorCode);
    }
  }

  /** Reads the pieces only after a while, as a socket does. */
  async #produce(body: readonly Buffer[], errorCode: number): Promise<PartitionError[]> {
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    this.inFlight--;
    const reader = new WireReader(Buffer.concat(body));
    reader.string();
    reader.int16();
    reader.int32();
    const errors: PartitionError[] = [];
    reader.array(() => {
      const topic = reader.string() ?? '';
      reader.array(() => {
        const partition = reader.int32();
        // The builder's bytes are used again after the commit.
        for (const batch of batchesOf(Buffer.from(reader.bytes()))) this.produced.push({ partition, batch });
        errors.push({ topic, partition, errorCode });
      });
    });
    return errors;
  }

  open(maxBatchBytes?: number): Promise<TransactionalWriter> {
    return TransactionalWriter.open(this as unknown as KafkaConnection, {
      transactionalId: 'job/0',
      ...(maxBatchBytes !== undefined && { maxBatchBytes }),
    });
  }
}

const put = (writer: TransactionalWriter, partition: number, value: string): void => {
  writer.write('t', partition, { timestampMs: 1, key: null, value: Buffer.from(value) });
};

function valuesOf({ batch }: Produced): string[] {
  const cursor = batch.records(0, Number.MAX_SAFE_INTEGER);
  const values: string[] = [];
  while (cursor.next()) values.push(cursor.value()?.toString() ?? '');
  return values;
}

describe('transactional writer', () => {
  it('takes over once, and says nothing more until there is something to commit', async () => {
    const broker = new FakeBroker();
    const writer = await broker.open();
    await writer.commit();
    assert.deepEqual(broker.asked, ['InitProducerId']);
  });

  it('adds partitions, produces and ends, in this order, as the producer it has become', async () => {
    const broker = new FakeBroker();
    const writer = await broker.open();
    put(writer, 0, 'a');
    put(writer, 1, 'b');
    assert.ok(writer.pendingBytes > 0);
    await writer.commit();
    assert.deepEqual(broker.asked, ['InitProducerId', 'AddPartitionsToTxn', 'Produce', 'EndTxn']);
    assert.equal(writer.pendingBytes, 0);
    for (const { batch } of broker.produced) {
      assert.deepEqual([batch.producerId, batch.producerEpoch, batch.isTransactional], [7n, 3, true]);
      batch.verifyChecksum();
    }
  });

  it('goes on with the sequence of each partition from one transaction to the next', async () => {
    const broker = new FakeBroker();
    const writer = await broker.open();
    for (const value of ['a', 'b', 'c']) put(writer, 0, value);
    put(writer, 1, 'x');
    await writer.commit();
    put(writer, 0, 'd');
    put(writer, 1, 'y');
    await writer.commit();
    const of = (partition: number) =>
      broker.produced
        .filter((one) => one.partition === partition)
        .map((one) => [one.batch.baseSequence, ...valuesOf(one)]);
    assert.deepEqual(of(0), [
      [0, 'a', 'b', 'c'],
      [3, 'd'],
    ]);
    assert.deepEqual(of(1), [
      [0, 'x'],
      [1, 'y'],
    ]);
  });

  it('splits what is large into batches below the limit, one of a partition a request, few at once', async () => {
    const broker = new FakeBroker();
    const writer = await broker.open(1_000);
    const values = Array.from({ length: 100 }, (_, index) => `${String(index)}-${'x'.repeat(200)}`);
    for (const value of values) put(writer, 0, value);
    put(writer, 0, 'y'.repeat(5_000)); // larger than a batch may be: alone
    await writer.commit();
    assert.deepEqual(broker.produced.flatMap(valuesOf), [...values, 'y'.repeat(5_000)]);
    const sizes = broker.produced.map((one) => valuesOf(one).join('').length);
    assert.ok(sizes.slice(0, -1).every((size) => size <= 1_000));
    assert.equal(broker.asked.filter((name) => name === 'Produce').length, broker.produced.length);
    assert.ok(broker.mostInFlight > 1 && broker.mostInFlight <= 5, `${String(broker.mostInFlight)} at once`);
  });

  it('asks a coordinator again that is still finishing the transaction before', async () => {
    const broker = new FakeBroker();
    broker.errors.set('InitProducerId', [51, 14]);
    broker.errors.set('AddPartitionsToTxn', [51]);
    broker.errors.set('EndTxn', [51]);
    const writer = await broker.open();
    put(writer, 0, 'a');
    await writer.commit();
    const times = (name: string) => broker.asked.filter((one) => one === name).length;
    assert.deepEqual([times('InitProducerId'), times('AddPartitionsToTxn'), times('EndTxn')], [3, 2, 2]);
  });

  const ends: readonly [string, number, string, boolean][] = [
    ['AddPartitionsToTxn', 47, 'FENCED', true],
    ['AddPartitionsToTxn', 90, 'FENCED', true],
    ['Produce', 47, 'FENCED', true],
    ['EndTxn', 47, 'FENCED', true],
    ['AddPartitionsToTxn', 29, 'KAFKA_TOPIC_AUTHORIZATION_FAILED', false],
    ['AddPartitionsToTxn', 16, 'KAFKA_NOT_COORDINATOR', true],
    ['Produce', 10, 'KAFKA_MESSAGE_TOO_LARGE', false],
    ['Produce', 6, 'KAFKA_NOT_LEADER_OR_FOLLOWER', true],
    ['Produce', 7, 'KAFKA_REQUEST_TIMED_OUT', true],
    ['Produce', 45, 'KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER', true],
    ['EndTxn', 48, 'KAFKA_INVALID_TXN_STATE', true],
    ['EndTxn', 120, 'KAFKA_TRANSACTION_ABORTABLE', true],
    ['EndTxn', 999, 'KAFKA_ERROR_999', false],
  ];
  for (const [request, code, expected, retryable] of ends) {
    it(`is of no use after ${request} was answered ${String(code)}: ${expected}`, async () => {
      const broker = new FakeBroker();
      broker.errors.set(request, [code]);
      const writer = await broker.open();
      put(writer, 0, 'a');
      await assert.rejects(writer.commit(), { code: expected, retryable });
      const asked = broker.asked.length;
      // Whatever the transaction came to, this writer does not go on with it.
      put(writer, 0, 'b');
      await assert.rejects(writer.commit(), { code: expected });
      assert.equal(broker.asked.length, asked);
      if (request !== 'EndTxn') assert.ok(!broker.asked.includes('EndTxn'));
    });
  }

  it('says fenced where one partition does and another only says that it did not try', async () => {
    const broker = new FakeBroker();
    const writer = await broker.open();
    broker.send = (): Promise<PartitionError[]> =>
      Promise.resolve([
        { topic: 't', partition: 0, errorCode: 55 },
        { topic: 't', partition: 1, errorCode: 47 },
      ]);
    put(writer, 0, 'a');
    await assert.rejects(writer.commit(), { code: 'FENCED' });
  });

  it('gives up a coordinator that stays busy', async () => {
    const broker = new FakeBroker();
    broker.errors.set(
      'InitProducerId',
      Array.from({ length: 10_000 }, () => 51),
    );
    await assert.rejects(broker.open(), (error) => {
      assert.ok(error instanceof BrokerError && error instanceof PipelineError);
      assert.deepEqual([error.kind, error.retryable], ['busy', true]);
      return true;
    });
  });
});
