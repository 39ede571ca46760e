import { PipelineError } from '../core/errors.js';
import { COMPRESSIONS, compress, compressAside, type Compression } from './compression.js';
import { crc32c } from './crc32c.js';
import {
  ATTRIBUTE_TRANSACTIONAL,
  BATCH_HEADER_BYTES,
  CRC_START,
  LOG_OVERHEAD_BYTES,
  type RecordCursor,
  type RecordHeader,
} from './record-batch.js';
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.js';

/** What the producer stamps on a batch; `producerId` -1 for a producer that is neither idempotent nor transactional. */
export interface BatchStamp {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
}

export const NO_PRODUCER: BatchStamp = {
  producerId: -1n,
  producerEpoch: -1,
  baseSequence: -1,
  isTransactional: false,
};

/** A record as fields, for those who make records instead of copying them. */
export interface OutputRecord {
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly RecordHeader[];
}

const INITIAL_BYTES = 64 * 1024;
const NO_HEADER = Buffer.alloc(0);

/** One record batch under construction: a growing buffer that is used again after `reset`. */
export class RecordBatchBuilder {
  #bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  /** The batch compressed: used again as well. */
  #packed: Buffer = NO_HEADER;
  #at = BATCH_HEADER_BYTES;
  #count = 0;
  #baseTimestampMs = 0;
  #maxTimestampMs = -1;

  get count(): number {
    return this.#count;
  }
  /** Bytes of the batch so far, header included, before compression. */
  get sizeBytes(): number {
    return this.#at;
  }

  reset(): void {
    this.#at = BATCH_HEADER_BYTES;
    this.#count = 0;
    this.#maxTimestampMs = -1;
  }

  /**
   * Copies the cursor's record: key, value and headers as one or two slices of bytes. `added` are more headers, encoded by
   * `encodeHeader`, one unless `addedCount` says; they go last.
   */
  copy(
    cursor: RecordCursor,
    timestampMs: number,
    added: Buffer = NO_HEADER,
    addedCount = added.length > 0 ? 1 : 0,
  ): void {
    const keyValueBytes = cursor.keyValueEnd - cursor.keyValueStart;
    const headersBytes = cursor.headersEnd - cursor.headersStart;
    const headerCount = cursor.headerCount + addedCount;
    let at = this.#begin(timestampMs, keyValueBytes + varintSize(headerCount) + headersBytes + added.length);
    const bytes = this.#bytes;
    copyBytes(bytes, at, cursor.bytes, cursor.keyValueStart, cursor.keyValueEnd);
    at = writeVarint(bytes, at + keyValueBytes, headerCount);
    copyBytes(bytes, at, cursor.bytes, cursor.headersStart, cursor.headersEnd);
    at += headersBytes;
    copyBytes(bytes, at, added, 0, added.length);
    this.#at = at + added.length;
  }

  append(record: OutputRecord): void {
    const headers = (record.headers ?? []).map((header) => encodeHeader(header.name, header.value));
    const size =
      nullableSize(record.key) +
      nullableSize(record.value) +
      varintSize(headers.length) +
      headers.reduce((sum, header) => sum + header.length, 0);
    let at = this.#begin(record.timestampMs, size);
    at = writeNullable(this.#bytes, at, record.key);
    at = writeNullable(this.#bytes, at, record.value);
    at = writeVarint(this.#bytes, at, headers.length);
    for (const header of headers) at += header.copy(this.#bytes, at);
    this.#at = at;
  }

  /** Adds a record that is nothing but a value, `bytes[start, end)`. */
  appendValue(timestampMs: number, bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    let at = this.#begin(timestampMs, 1 + varintSize(length) + length + 1);
    const target = this.#bytes;
    at = writeVarint(target, writeVarint(target, at, -1), length);
    copyBytes(target, at, bytes, start, end);
    this.#at = writeVarint(target, at + length, 0);
  }

  /** Writes length, attributes and deltas of a record whose remaining fields take `restBytes`. */
  #begin(timestampMs: number, restBytes: number): number {
    if (this.#count === 0) this.#baseTimestampMs = timestampMs;
    if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    const deltaMs = timestampMs - this.#baseTimestampMs;
    const length = 1 + varlongSize(deltaMs) + varintSize(this.#count) + restBytes;
    this.#room(length + 5);
    const bytes = this.#bytes;
    let at = writeVarint(bytes, this.#at, length);
    bytes[at++] = 0;
    at = writeVarlong(bytes, at, deltaMs);
    return writeVarint(bytes, at, this.#count++);
  }

  #room(moreBytes: number): void {
    const needed = this.#at + moreBytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, needed));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  /**
   * Fills in the header and the CRC. The answer is a view into the builder: valid until the next change.
   * To compress, `readyFor` the codec before.
   * @throws PipelineError `EMPTY_BATCH`: brokers refuse a batch without records.
   */
  seal(stamp: BatchStamp = NO_PRODUCER, compression: Compression = 'none'): Buffer {
    return this.#seal(
      stamp,
      compression,
      compression === 'none' ? undefined : compress(compression, this.#body),
    );
  }

  /** The same, compressed on another thread where there is one for it. The builder must not be changed before this resolves. */
  async sealAside(stamp: BatchStamp, compression: Compression): Promise<Buffer> {
    const isPlain = compression === 'none';
    return this.#seal(stamp, compression, isPlain ? undefined : await compressAside(compression, this.#body));
  }

  /** Room for a header, and the body behind it. */
  #pack(body: Buffer): Buffer {
    const length = BATCH_HEADER_BYTES + body.length;
    if (this.#packed.length < length) this.#packed = Buffer.allocUnsafeSlow(length + (length >> 3));
    body.copy(this.#packed, BATCH_HEADER_BYTES);
    return this.#packed.subarray(0, length);
  }

  get #body(): Buffer {
    return this.#bytes.subarray(BATCH_HEADER_BYTES, this.#at);
  }

  /** `body`: the records compressed; as they are without. */
  #seal(stamp: BatchStamp, compression: Compression, body: Buffer | undefined): Buffer {
    if (this.#count === 0) throw new PipelineError('EMPTY_BATCH', 'sealing a record batch without records');
    const batch = body === undefined ? this.#bytes.subarray(0, this.#at) : this.#pack(body);
    batch.writeBigInt64BE(0n, 0); // the broker assigns the offset
    batch.writeInt32BE(batch.length - LOG_OVERHEAD_BYTES, 8);
    batch.writeInt32BE(-1, 12); // the broker fills in the partition leader epoch
    batch[16] = 2;
    const attributes =
      COMPRESSIONS.indexOf(compression) | (stamp.isTransactional ? ATTRIBUTE_TRANSACTIONAL : 0);
    batch.writeInt16BE(attributes, CRC_START);
    batch.writeInt32BE(this.#count - 1, 23);
    batch.writeBigInt64BE(BigInt(this.#baseTimestampMs), 27);
    batch.writeBigInt64BE(BigInt(this.#maxTimestampMs), 35);
    batch.writeBigInt64BE(stamp.producerId, 43);
    batch.writeInt16BE(stamp.producerEpoch, 51);
    batch.writeInt32BE(stamp.baseSequence, 53);
    batch.writeInt32BE(this.#count, 57);
    batch.writeUInt32BE(crc32c(batch.subarray(CRC_START)), 17);
    return batch;
  }
}

/** Up to this many bytes a loop is faster than `Buffer.copy`, which makes an object for the part it copies. */
const LOOP_BYTES = 192;

function copyBytes(target: Buffer, at: number, source: Buffer, start: number, end: number): void {
  if (end - start > LOOP_BYTES) {
    source.copy(target, at, start, end);
    return;
  }
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from]!;
}

const nullableSize = (bytes: Buffer | null): number =>
  bytes === null ? 1 : varintSize(bytes.length) + bytes.length;

function writeNullable(target: Buffer, at: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(target, at, -1);
  const start = writeVarint(target, at, bytes.length);
  return start + bytes.copy(target, start);
}

/** One record header as it stands in a record: name length, name, value length, value. */
export function encodeHeader(name: string, value: Buffer | null): Buffer {
  const nameBytes = Buffer.from(name, 'utf8');
  const encoded = Buffer.allocUnsafe(nullableSize(nameBytes) + nullableSize(value));
  writeNullable(encoded, writeNullable(encoded, 0, nameBytes), value);
  return encoded;
}
