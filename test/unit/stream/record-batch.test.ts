import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { packageRoot } from '../../../src/package-root.js';
import { COMPRESSIONS, readyFor, type Compression } from '../../../src/stream/compression.js';
import {
  batchesOf,
  committedBatches,
  largestBatchBytes,
  type AbortedTransaction,
} from '../../../src/stream/fetched-batches.js';
import type { RecordBatch, RecordCursor } from '../../../src/stream/record-batch.js';
import {
  encodeHeader,
  RecordBatchBuilder,
  type BatchStamp,
  type OutputRecord,
} from '../../../src/stream/record-batch-builder.js';
import { VECTOR_RECORDS } from '../../support/vector-records.js';

const STAMP: BatchStamp = { producerId: 42n, producerEpoch: 3, baseSequence: 11, isTransactional: true };

type Vectors = Record<Compression | 'abortMarker' | 'commitMarker', string>;
const vectors = (name: string): Vectors =>
  JSON.parse(readFileSync(join(packageRoot, 'test', 'vectors', name), 'utf8')) as Vectors;
const fromJava = vectors('record-batch.java-4.3.json');
const fromUs = vectors('record-batch.tidemark.json');

describe('record batch', () => {
  before(() => Promise.all(COMPRESSIONS.map(readyFor)));

  describe('written by the Java client', () => {
    for (const codec of COMPRESSIONS) {
      it(`is read with every field: ${codec}`, () => {
        const batch = only(Buffer.from(fromJava[codec], 'hex'));
        batch.verifyChecksum();
        assert.deepEqual(recordsOf(batch), VECTOR_RECORDS);
        assert.deepEqual(
          [batch.baseOffset, batch.nextOffset, batch.recordCount, batch.producerId, batch.producerEpoch],
          [7, 11, 4, 42n, 3],
        );
        assert.deepEqual([batch.baseSequence, batch.isTransactional, batch.isControl], [11, true, false]);
      });
    }
    it('is a control batch where it ends a transaction', () => {
      assert.equal(only(Buffer.from(fromJava.abortMarker, 'hex')).isControl, true);
      assert.equal(only(Buffer.from(fromJava.commitMarker, 'hex')).isControl, true);
    });
  });

  describe('written by us', () => {
    it('is byte for byte what the Java client writes, but for the offset and epoch brokers assign', () => {
      const ours = built(VECTOR_RECORDS).seal(STAMP);
      const java = Buffer.from(fromJava.none, 'hex');
      java.writeBigInt64BE(0n, 0);
      java.writeInt32BE(-1, 12);
      assert.equal(ours.toString('hex'), java.toString('hex'));
    });
    for (const codec of COMPRESSIONS) {
      // The Java client (MemoryRecords, 4.3.0) read these bytes and found the same records. Compressors may change their
      // output from version to version, so only what the bytes mean is pinned.
      it(`is what the Java client was seen to read: ${codec}`, () => {
        assert.deepEqual(recordsOf(only(Buffer.from(fromUs[codec], 'hex'))), VECTOR_RECORDS);
        assert.deepEqual(
          recordsOf(only(Buffer.from(built(VECTOR_RECORDS).seal(STAMP, codec)))),
          VECTOR_RECORDS,
        );
      });
    }
  });

  it('holds what was put in, with any compression (property)', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 30 }),
        fc.constantFrom(...COMPRESSIONS),
        (records, codec) => {
          const batch = only(Buffer.from(built(records).seal(STAMP, codec)));
          batch.verifyChecksum();
          assert.deepEqual(recordsOf(batch), records);
          assert.equal(batch.maxTimestampMs, Math.max(...records.map(({ timestampMs }) => timestampMs)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('copies records unchanged, with one header more (property)', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(...COMPRESSIONS),
        (records, codec) => {
          const source = only(Buffer.from(built(records).seal(STAMP, codec)));
          const added = encodeHeader('from', Buffer.from('there'));
          const target = new RecordBatchBuilder();
          for (const cursor of walk(source)) target.copy(cursor, cursor.timestampMs, added);
          const expected = records.map((one) => ({
            ...one,
            headers: [...(one.headers ?? []), { name: 'from', value: Buffer.from('there') }],
          }));
          assert.deepEqual(recordsOf(only(target.seal())), expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('shows exactly the records of [from, to) (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(60), fc.nat(60), (count, from, to) => {
        const batch = withOffset(built(many(count)).seal(), 5);
        const found: number[] = [];
        for (const cursor of walk(batch, from, to)) found.push(cursor.offset);
        const all = Array.from({ length: count }, (_, index) => index + 5);
        assert.deepEqual(
          found,
          all.filter((offset) => offset >= from && offset < to),
        );
      }),
    );
  });

  it('holds 200,000 records', () => {
    const batch = only(built(many(200_000)).seal(STAMP));
    batch.verifyChecksum();
    let next = 0;
    for (const cursor of walk(batch)) assert.equal(cursor.value()?.toString(), `v${String(next++)}`);
    assert.equal(next, 200_000);
  });

  it('holds a value of 32 MiB, also from a zstd frame that does not say its size', () => {
    const value = Buffer.alloc(32 << 20, 'abcdefgh');
    for (const codec of ['none', 'zstd', 'lz4'] as const) {
      const batch = only(built([{ timestampMs: 1, key: null, value }]).seal(STAMP, codec));
      const [found] = recordsOf(batch);
      assert.ok(found?.value?.equals(value));
    }
  });

  it('refuses a flipped bit anywhere from the attributes on (property)', () => {
    const sealed = Buffer.from(built(VECTOR_RECORDS).seal(STAMP));
    fc.assert(
      fc.property(fc.integer({ min: 21 * 8, max: sealed.length * 8 - 1 }), (bit) => {
        const broken = Buffer.from(sealed);
        broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.throws(
          () => {
            only(broken).verifyChecksum();
          },
          { code: 'CORRUPT_BATCH' },
        );
      }),
    );
  });

  it('leaves out a batch that the fetch cut off', () => {
    const one = Buffer.from(built(many(3)).seal());
    const bytes = Buffer.concat([one, one.subarray(0, one.length - 1)]);
    assert.equal([...batchesOf(bytes)].length, 1);
  });

  it('says how large the largest batch is, the one that was cut off included', () => {
    const [small, large] = [3, 40].map((count) => Buffer.from(built(many(count)).seal())) as [Buffer, Buffer];
    assert.equal(largestBatchBytes(Buffer.alloc(0)), 0);
    assert.equal(largestBatchBytes(Buffer.concat([small, large, small])), large.length);
    assert.equal(largestBatchBytes(Buffer.concat([small, large.subarray(0, 12)])), large.length);
    assert.equal(largestBatchBytes(Buffer.concat([small, large.subarray(0, 11)])), small.length);
  });

  it('is plain where all its records are wanted, as they are, and none was left out', () => {
    const plain = withOffset(built(many(10)).seal(), 5);
    assert.equal(plain.isPlain(5, 15), true);
    assert.equal(plain.isPlain(0, Number.POSITIVE_INFINITY), true);
    assert.equal(plain.isPlain(6, 15), false, 'the first is not wanted');
    assert.equal(plain.isPlain(5, 14), false, 'the last is not wanted');
    assert.equal(withOffset(built(many(10)).seal(STAMP, 'lz4'), 5).isPlain(5, 15), false, 'compressed');
    const compacted = Buffer.from(plain.bytes);
    compacted.writeInt32BE(10, 23);
    assert.equal(only(compacted).isPlain(5, 16), false, 'compaction took one');
  });

  it('is the same of records that are nothing but a value, however they are added (property)', () => {
    const values = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(values, (all) => {
        const added = new RecordBatchBuilder();
        for (const value of all) {
          const around = Buffer.concat([Buffer.from('before'), value, Buffer.from('behind')]);
          added.appendValue(7, around, 6, 6 + value.length);
        }
        const records = all.map((value) => ({ timestampMs: 7, key: null, value: Buffer.from(value) }));
        assert.deepEqual(added.seal(STAMP), built(records).seal(STAMP));
      }),
    );
  });

  it('refuses to seal a batch without records', () => {
    assert.throws(() => new RecordBatchBuilder().seal(), { code: 'EMPTY_BATCH' });
  });

  it('takes the append time where the broker stamps it', () => {
    const sealed = Buffer.from(built(VECTOR_RECORDS).seal());
    sealed.writeInt16BE(0x08, 21);
    sealed.writeBigInt64BE(77n, 35);
    assert.deepEqual(
      recordsOf(only(sealed)).map(({ timestampMs }) => timestampMs),
      [77, 77, 77, 77],
    );
  });
});

describe('committed batches', () => {
  it('are exactly those of committed transactions and of no transaction, wherever fetches cut the log (property)', () => {
    fc.assert(
      fc.property(
        fc.array(logStep, { maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        (steps, fetchBatches) => {
          const log = simulate(steps);
          const seen: number[] = [];
          for (let at = 0; at < log.batches.length; at += fetchBatches) {
            const fetched = log.batches.slice(at, at + fetchBatches);
            const [first, last] = [fetched[0], fetched.at(-1)];
            assert.ok(first && last);
            // A broker names every aborted transaction that overlaps what it answers.
            const aborted = log.aborted.filter(
              (one) => one.firstOffset < last.nextOffset && one.lastOffset >= first.baseOffset,
            );
            for (const batch of committedBatches(fetched, aborted)) seen.push(batch.baseOffset);
          }
          assert.deepEqual(seen, log.visible);
        },
      ),
      { numRuns: 500 },
    );
  });
});

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const plain = { noNullPrototype: true };
const record: fc.Arbitrary<OutputRecord> = fc.record(
  {
    timestampMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers: fc.array(fc.record({ name: fc.string({ maxLength: 10 }), value: fc.option(bytes) }, plain), {
      maxLength: 4,
    }),
  },
  plain,
);

/** A step of one of three producers: write in its transaction (or outside any), abort it, commit it. */
const logStep = fc.record({
  producer: fc.integer({ min: 1, max: 3 }),
  action: fc.constantFrom('write', 'write', 'write', 'plain', 'abort', 'commit'),
});

interface Log {
  batches: RecordBatch[];
  aborted: (AbortedTransaction & { lastOffset: number })[];
  visible: number[];
}

/** A log of many producers' interleaved transactions, and by plain bookkeeping which batches a reader may see. */
function simulate(steps: readonly { producer: number; action: string }[]): Log {
  const log: Log = { batches: [], aborted: [], visible: [] };
  const open = new Map<number, number[]>();
  let offset = 0;
  const finish = (producer: number, commits: boolean): void => {
    const written = open.get(producer);
    if (written === undefined) return;
    open.delete(producer);
    log.batches.push(marker(commits, producer, offset));
    if (commits) log.visible.push(...written);
    else log.aborted.push({ producerId: BigInt(producer), firstOffset: written[0] ?? 0, lastOffset: offset });
    offset++;
  };
  for (const { producer, action } of steps) {
    if (action === 'write' || action === 'plain') {
      const isTransactional = action === 'write';
      const stamp = { ...STAMP, producerId: BigInt(isTransactional ? producer : 9), isTransactional };
      log.batches.push(withOffset(built(many(2)).seal(stamp), offset));
      if (isTransactional) open.set(producer, [...(open.get(producer) ?? []), offset]);
      else log.visible.push(offset);
      offset += 2;
    } else finish(producer, action === 'commit');
  }
  // Readers stop at the last stable offset; here every transaction left open is aborted first.
  for (const producer of [...open.keys()]) finish(producer, false);
  log.visible.sort((a, b) => a - b);
  return log;
}

function marker(commits: boolean, producer: number, offset: number): RecordBatch {
  const hex = commits ? fromJava.commitMarker : fromJava.abortMarker;
  const copy = Buffer.from(hex, 'hex');
  copy.writeBigInt64BE(BigInt(offset), 0);
  copy.writeBigInt64BE(BigInt(producer), 43);
  return only(copy);
}

const many = (count: number): OutputRecord[] =>
  Array.from({ length: count }, (_, index) => ({
    timestampMs: index,
    key: null,
    value: Buffer.from(`v${String(index)}`),
  }));

function built(records: readonly OutputRecord[]): RecordBatchBuilder {
  const builder = new RecordBatchBuilder();
  for (const one of records) builder.append(one);
  return builder;
}

function withOffset(sealed: Buffer, offset: number): RecordBatch {
  const copy = Buffer.from(sealed);
  copy.writeBigInt64BE(BigInt(offset), 0);
  return only(copy);
}

function only(sealed: Buffer): RecordBatch {
  const found = [...batchesOf(sealed)];
  assert.equal(found.length, 1);
  return found[0] as RecordBatch;
}

function* walk(batch: RecordBatch, from?: number, to?: number): Generator<RecordCursor> {
  const cursor = batch.records(from, to);
  while (cursor.next()) yield cursor;
}

function recordsOf(batch: RecordBatch): OutputRecord[] {
  return [...mapped(batch)];
}
function* mapped(batch: RecordBatch): Generator<OutputRecord> {
  for (const cursor of walk(batch)) {
    const copied = (view: Buffer | null): Buffer | null => (view === null ? null : Buffer.from(view));
    const headers = [...cursor.headers()].map(({ name, value }) => ({ name, value: copied(value) }));
    yield {
      timestampMs: cursor.timestampMs,
      key: copied(cursor.key()),
      value: copied(cursor.value()),
      headers,
    };
  }
}
