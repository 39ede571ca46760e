import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FrameReader } from '../../../src/core/frame-reader.js';
import { DEFAULT_FRAME_FORMAT, type FrameFormat } from '../../../src/core/frame-scanner.js';
import { ROOM_AT, scannable, SLACK_BYTES } from '../../../src/core/scan-memory.js';
import { BufferPool } from '../../../src/stream/buffer-pool.js';
import { BATCH_HEADER_BYTES, RecordBatch } from '../../../src/stream/record-batch.js';
import { RecordBatchBuilder, type OutputRecord } from '../../../src/stream/record-batch-builder.js';
import { brokenFrame, validFrame } from '../core/frames.js';

/** A batch in memory where its records can be scanned, at an odd place. */
function placed(records: readonly OutputRecord[]): RecordBatch {
  const builder = new RecordBatchBuilder();
  for (const record of records) builder.append(record);
  const sealed = builder.seal();
  const bytes = Buffer.from(scannable(sealed.length + 7), ROOM_AT + 7, sealed.length);
  sealed.copy(bytes);
  return new RecordBatch(bytes, 0, bytes.length);
}

interface Read {
  readonly fault: string | undefined;
  readonly counted?: readonly unknown[];
  readonly bytes: string;
}

const said = (reader: FrameReader, fault: string | undefined): Read => ({
  fault,
  ...(fault === undefined && { counted: [reader.atS, reader.present, ...hashesOf(reader)] }),
  bytes: Buffer.from(reader.bytes()).toString('hex'),
});

/** Of what is not present the reader says nothing. */
const hashesOf = ({ hashes, present }: FrameReader): (number | null)[] =>
  [...hashes].map((hash, i) => ((present & (1 << (i >> 1))) === 0 ? null : hash));

function together(batch: RecordBatch, format: FrameFormat): Read[] {
  const reader = new FrameReader(format);
  const read: Read[] = [];
  let at = batch.start + BATCH_HEADER_BYTES;
  while (reader.records(batch.bytes, at, batch.end, batch.recordCount - read.length) > 0) {
    for (let i = 0; i < reader.count; i++) {
      const fault = reader.line(i);
      read.push(said(reader, fault));
    }
    at = reader.stop;
  }
  return read;
}

function oneByOne(batch: RecordBatch, format: FrameFormat): Read[] {
  const reader = new FrameReader(format);
  const cursor = batch.records();
  const read: Read[] = [];
  while (cursor.next()) {
    const end = cursor.valueStart + Math.max(cursor.valueLength, 0);
    const fault = reader.read(cursor.bytes, cursor.valueStart, end);
    read.push(said(reader, fault));
  }
  return read;
}

const bytesOrNull = fc.option(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  { freq: 2 },
);
const header = fc.record({ name: fc.string({ maxLength: 5 }), value: bytesOrNull });
const record = fc.record({
  timestampMs: fc.integer({ min: 0, max: 2 ** 45 }),
  key: bytesOrNull,
  value: fc.option(fc.oneof(validFrame, brokenFrame), { freq: 9 }),
  headers: fc.array(header, { maxLength: 2 }),
});

describe('frames in records of a batch', () => {
  it('are read together as they are one by one, whatever else their records hold', function () {
    this.timeout(60_000);
    const format = { ...DEFAULT_FRAME_FORMAT, idFields: ['uid', 'UID'] };
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 40 }), (records) => {
        const batch = placed(
          records.map((one) => ({ ...one, value: one.value === null ? null : Buffer.from(one.value) })),
        );
        assert.deepEqual(together(batch, format), oneByOne(batch, format));
      }),
      { numRuns: 400 },
    );
  });

  it('are read in several goes when there are many', () => {
    const values = Array.from({ length: 5_000 }, (_, i) => `{"uid":"u${i}","ts":${1_468_244_340 + i}}`);
    const batch = placed(values.map((value) => ({ timestampMs: 1, key: null, value: Buffer.from(value) })));
    const read = together(batch, DEFAULT_FRAME_FORMAT);
    assert.deepEqual(read, oneByOne(batch, DEFAULT_FRAME_FORMAT));
    assert.deepEqual(
      read.map(({ bytes }) => Buffer.from(bytes, 'hex').toString()),
      values,
    );
  });

  it('are left to be read one by one where the module does not look for the fields, and elsewhere in memory', () => {
    const batch = placed([{ timestampMs: 1, key: null, value: Buffer.from('{"ts":1,"uid":"u"}') }]);
    assert.deepEqual(together(batch, { ...DEFAULT_FRAME_FORMAT, strict: true }), []);
    const bytes = Buffer.from(batch.bytes);
    assert.deepEqual(together(new RecordBatch(bytes, 0, bytes.length), DEFAULT_FRAME_FORMAT), []);
  });

  it('are read up to the record whose key would lie behind all memory', () => {
    const batch = placed([
      { timestampMs: 1, key: Buffer.alloc(8), value: Buffer.from('{"ts":1,"uid":"u"}') },
    ]);
    batch.bytes.set([0xfe, 0xff, 0xff, 0xff, 0x0f], BATCH_HEADER_BYTES + 4);
    assert.deepEqual(together(batch, DEFAULT_FRAME_FORMAT), []);
  });

  it('are read where the batch ends with the memory its response was given', () => {
    const pool = new BufferPool();
    pool.give(pool.take(1 << 20));
    const value = Buffer.from('{"ts":1,"uid":"u"}');
    for (let spare = 0; spare <= SLACK_BYTES; spare++) {
      const builder = new RecordBatchBuilder();
      for (let i = 0; i < 100; i++) builder.append({ timestampMs: 1, key: null, value });
      const sealed = builder.seal();
      const response = pool.take((1 << 20) + ROOM_AT - spare);
      sealed.copy(response, response.length - sealed.length);
      const batch = new RecordBatch(response, response.length - sealed.length, response.length);
      assert.equal(together(batch, DEFAULT_FRAME_FORMAT).length, 100, `${spare} bytes before the end`);
      pool.give(response);
    }
  });

  it('are read up to the record whose lengths do not fit, which the cursor then refuses', () => {
    const value = Buffer.from('{"ts":1,"uid":"u"}');
    for (const { what, at, to } of [
      { what: 'a record longer than the batch', at: 0, to: 0x7e },
      { what: 'a record of negative length', at: 0, to: 0x01 },
      { what: 'a key longer than its record', at: 4, to: 0x7e },
      { what: 'a value longer than its record', at: 5, to: 0x7e },
      { what: 'a length without an end', at: 0, to: 0xff },
    ]) {
      const batch = placed([1, 2, 3].map((timestampMs) => ({ timestampMs, key: null, value })));
      const recordBytes = (batch.end - batch.start - BATCH_HEADER_BYTES) / 3;
      batch.bytes[BATCH_HEADER_BYTES + 2 * recordBytes + at] = to;
      assert.equal(together(batch, DEFAULT_FRAME_FORMAT).length, 2, what);
      assert.throws(() => oneByOne(batch, DEFAULT_FRAME_FORMAT), { code: 'CORRUPT_BATCH' }, what);
    }
  });
});
