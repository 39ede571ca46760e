import { PipelineError } from '../core/errors.js';
import { COMPRESSIONS, decompress, type Compression } from './compression.js';
import { crc32c } from './crc32c.js';
import { VarintReader } from './varint.js';

/**
 * RecordBatch v2 (https://kafka.apache.org/documentation/#recordbatch) decoded to views: positions into the fetch buffer,
 * no object and no copy per record. A view is valid as long as the buffer of its fetch is.
 */

export const BATCH_HEADER_BYTES = 61;
/** baseOffset and batchLength; the length counts what follows them. */
export const LOG_OVERHEAD_BYTES = 12;
/** The CRC covers everything from the attributes on. */
export const CRC_START = 21;

export const ATTRIBUTE_COMPRESSION = 0x07;
export const ATTRIBUTE_LOG_APPEND_TIME = 0x08;
export const ATTRIBUTE_TRANSACTIONAL = 0x10;
export const ATTRIBUTE_CONTROL = 0x20;

/** The header of one batch and where its records lie. Offsets and counts are safe integers, times epoch milliseconds. */
export class RecordBatch {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;

  /** `[start, end)` is the whole batch in `bytes`. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  get baseOffset(): number {
    return Number(this.bytes.readBigInt64BE(this.start));
  }
  /** The offset after the batch's last record, also where compaction removed that record. */
  get nextOffset(): number {
    return this.baseOffset + this.bytes.readInt32BE(this.start + 23) + 1;
  }
  get attributes(): number {
    return this.bytes.readInt16BE(this.start + CRC_START);
  }
  get baseTimestampMs(): number {
    return Number(this.bytes.readBigInt64BE(this.start + 27));
  }
  get maxTimestampMs(): number {
    return Number(this.bytes.readBigInt64BE(this.start + 35));
  }
  get producerId(): bigint {
    return this.bytes.readBigInt64BE(this.start + 43);
  }
  get producerEpoch(): number {
    return this.bytes.readInt16BE(this.start + 51);
  }
  get baseSequence(): number {
    return this.bytes.readInt32BE(this.start + 53);
  }
  /** Records in the batch now: fewer than its offsets where compaction removed some. */
  get recordCount(): number {
    return this.bytes.readInt32BE(this.start + 57);
  }
  get isControl(): boolean {
    return (this.attributes & ATTRIBUTE_CONTROL) !== 0;
  }
  get isTransactional(): boolean {
    return (this.attributes & ATTRIBUTE_TRANSACTIONAL) !== 0;
  }

  /** @throws PipelineError `CORRUPT_BATCH`. Checked by whoever reads the batch from a network or a disk. */
  verifyChecksum(): void {
    const found = crc32c(this.bytes.subarray(this.start + CRC_START, this.end));
    if (found === this.bytes.readUInt32BE(this.start + 17)) return;
    throw new PipelineError('CORRUPT_BATCH', 'checking the CRC-32C of a record batch: it does not match', {
      at: { offset: String(this.baseOffset) },
    });
  }

  /**
   * Whether the records lie in `bytes` one behind the other, from `BATCH_HEADER_BYTES` behind `start` to `end`, all of offsets
   * in `[from, to)` and none left out: not compressed, not compacted, not cut by a range.
   */
  isPlain(from: number, to: number): boolean {
    const { baseOffset, nextOffset } = this;
    return (
      (this.attributes & ATTRIBUTE_COMPRESSION) === 0 &&
      baseOffset >= from &&
      nextOffset <= to &&
      nextOffset - baseOffset === this.recordCount
    );
  }

  /** @throws PipelineError `CORRUPT_BATCH` when it is unknown. */
  get compression(): Compression {
    const codec = COMPRESSIONS[this.attributes & ATTRIBUTE_COMPRESSION];
    if (codec !== undefined) return codec;
    throw new PipelineError('CORRUPT_BATCH', 'reading a record batch: its compression is unknown', {
      at: { offset: String(this.baseOffset) },
    });
  }

  /** Walks the records whose offset lies in `[from, to)`; a compressed body is inflated once, here: `readyFor` its codec before. */
  records(from = 0, to = Number.MAX_SAFE_INTEGER): RecordCursor {
    const codec = this.compression;
    const body = this.start + BATCH_HEADER_BYTES;
    return codec === 'none'
      ? new RecordCursor(this, this.bytes, body, this.end, from, to)
      : inflated(this, decompress(codec, this.bytes.subarray(body, this.end)), from, to);
  }
}

const inflated = (batch: RecordBatch, body: Buffer, from: number, to: number): RecordCursor =>
  new RecordCursor(batch, body, 0, body.length, from, to);

/**
 * The records of one batch, one at a time: `next()` moves on and fills the fields, which are positions in `bytes`.
 * The cursor is reused from record to record; whoever keeps a record copies what it needs.
 */
export class RecordCursor extends VarintReader {
  offset = -1;
  /** The record's own time, or the broker's append time where the topic is configured so. */
  timestampMs = 0;
  /** Length of the key, -1 for null; its bytes are `[keyStart, keyStart + keyLength)`. */
  keyLength = -1;
  keyStart = 0;
  /** Length of the value, -1 for null (a tombstone); its bytes are `[valueStart, valueStart + valueLength)`. */
  valueLength = -1;
  valueStart = 0;
  /** `[keyValueStart, keyValueEnd)`: key and value with their lengths, as they go into another batch unchanged. */
  keyValueStart = 0;
  keyValueEnd = 0;
  headerCount = 0;
  /** `[headersStart, headersEnd)`: the headers without their count. */
  headersStart = 0;
  headersEnd = 0;

  readonly #baseOffset: number;
  readonly #baseTimestampMs: number;
  readonly #appendTimeMs: number | undefined;
  readonly #limit: number;
  readonly #from: number;
  readonly #to: number;
  #remaining: number;

  constructor(batch: RecordBatch, bytes: Buffer, start: number, limit: number, from: number, to: number) {
    super(bytes, start);
    this.#baseOffset = batch.baseOffset;
    this.#baseTimestampMs = batch.baseTimestampMs;
    this.#appendTimeMs =
      (batch.attributes & ATTRIBUTE_LOG_APPEND_TIME) === 0 ? undefined : batch.maxTimestampMs;
    this.#remaining = batch.recordCount;
    this.#limit = limit;
    this.#from = from;
    this.#to = to;
  }

  /** Moves to the next record of the range; false when there is none. */
  next(): boolean {
    while (this.#remaining > 0) {
      this.#remaining--;
      const length = this.varint();
      const end = this.at + length;
      if (length < 0 || end > this.#limit) throw this.#corrupt();
      this.at++; // the record's attributes: unused by the protocol so far
      const deltaMs = this.varlong();
      const offset = this.#baseOffset + this.varint();
      if (offset >= this.#to) {
        this.#remaining = 0;
        return false;
      }
      if (offset < this.#from) {
        this.at = end;
        continue;
      }
      this.offset = offset;
      this.timestampMs = this.#appendTimeMs ?? this.#baseTimestampMs + deltaMs;
      this.#fields(end);
      return true;
    }
    return false;
  }

  #fields(end: number): void {
    this.keyValueStart = this.at;
    this.keyLength = this.varint();
    this.keyStart = this.at;
    if (this.keyLength > 0) this.at += this.keyLength;
    this.valueLength = this.varint();
    this.valueStart = this.at;
    if (this.valueLength > 0) this.at += this.valueLength;
    this.keyValueEnd = this.at;
    this.headerCount = this.varint();
    this.headersStart = this.at;
    this.headersEnd = end;
    if (this.at > end) throw this.#corrupt();
    this.at = end;
  }

  #corrupt(): PipelineError {
    return new PipelineError('CORRUPT_BATCH', 'reading a record: its length leaves the batch', {
      at: { offset: String(this.#baseOffset) },
    });
  }

  get isTombstone(): boolean {
    return this.valueLength < 0;
  }

  /** The key as a view into the batch; null where the record has none. */
  key(): Buffer | null {
    return this.keyLength < 0 ? null : this.bytes.subarray(this.keyStart, this.keyStart + this.keyLength);
  }

  /** The value as a view into the batch; null for a tombstone. */
  value(): Buffer | null {
    return this.valueLength < 0
      ? null
      : this.bytes.subarray(this.valueStart, this.valueStart + this.valueLength);
  }

  /** The headers in their order (a name may repeat); values are views into the batch. */
  *headers(): Generator<RecordHeader> {
    const reader = new VarintReader(this.bytes, this.headersStart);
    for (let left = this.headerCount; left > 0; left--) {
      const nameLength = reader.varint();
      const name = this.bytes.toString('utf8', reader.at, reader.at + nameLength);
      reader.at += nameLength;
      const length = reader.varint();
      const value = length < 0 ? null : this.bytes.subarray(reader.at, reader.at + length);
      if (length > 0) reader.at += length;
      yield { name, value };
    }
  }

  /** The last header of that name, the one that counts where names repeat (KIP-82). */
  header(name: string): Buffer | null | undefined {
    let found: Buffer | null | undefined;
    if (this.headerCount > 0)
      for (const header of this.headers()) if (header.name === name) found = header.value;
    return found;
  }
}

export interface RecordHeader {
  readonly name: string;
  readonly value: Buffer | null;
}
