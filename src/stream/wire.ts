/** Kafka's request and response primitives (https://kafka.apache.org/protocol#protocol_types): big-endian, lengths first. */

/** Up to here a copy costs less than a piece more to send. */
const LARGEST_COPIED_BYTES = 16 * 1024;

export class WireWriter {
  readonly #parts: Buffer[] = [];

  int8(value: number): this {
    const bytes = Buffer.allocUnsafe(1);
    bytes.writeInt8(value);
    return this.raw(bytes);
  }
  int16(value: number): this {
    const bytes = Buffer.allocUnsafe(2);
    bytes.writeInt16BE(value);
    return this.raw(bytes);
  }
  int32(value: number): this {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32BE(value);
    return this.raw(bytes);
  }
  int64(value: bigint | number): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64BE(BigInt(value));
    return this.raw(bytes);
  }
  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value, 'utf8');
    return this.int16(bytes.length).raw(bytes);
  }
  bytes(value: Buffer): this {
    return this.int32(value.length).raw(value);
  }
  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    items.forEach(write);
    return this;
  }
  /** Length plus one as an unsigned varint: the flexible versions' (KIP-482) array and string lengths. */
  uvarint(value: number): this {
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
    return this.raw(Buffer.from([...bytes, rest]));
  }
  compactString(value: string): this {
    const bytes = Buffer.from(value, 'utf8');
    return this.uvarint(bytes.length + 1).raw(bytes);
  }
  raw(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }
  /** What was written, in pieces: large ones are the caller's own memory, which may not change before the request is answered. */
  finish(): Buffer[] {
    const pieces: Buffer[] = [];
    let small: Buffer[] = [];
    const join = (): void => {
      if (small.length > 0) pieces.push(Buffer.concat(small));
      small = [];
    };
    for (const part of this.#parts) {
      if (part.length <= LARGEST_COPIED_BYTES) small.push(part);
      else {
        join();
        pieces.push(part);
      }
    }
    join();
    return pieces;
  }
}

export class WireReader {
  /** What the broker asks the client to wait (KIP-219); set by `throttle`. */
  throttleMs = 0;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Reads a response's throttle time. */
  throttle(): void {
    this.throttleMs = this.int32();
  }
  int8(): number {
    return this.#bytes.readInt8(this.#move(1));
  }
  int16(): number {
    return this.#bytes.readInt16BE(this.#move(2));
  }
  int32(): number {
    return this.#bytes.readInt32BE(this.#move(4));
  }
  bigint(): bigint {
    return this.#bytes.readBigInt64BE(this.#move(8));
  }
  /** A 64-bit integer that is an offset, a count or a time: safe as a number. */
  int64(): number {
    return Number(this.bigint());
  }
  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#text(length);
  }
  /** A view, not a copy; empty for null. */
  bytes(): Buffer {
    const length = this.int32();
    return this.raw(Math.max(0, length));
  }
  raw(length: number): Buffer {
    const start = this.#move(length);
    return this.#bytes.subarray(start, start + length);
  }
  array<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.int32(); left > 0; left--) items.push(read());
    return items;
  }
  uvarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.int8();
      value |= (byte & 127) << shift;
      if (byte >= 0) return value >>> 0;
    }
  }
  compactString(): string | null {
    const length = this.uvarint() - 1;
    return length < 0 ? null : this.#text(length);
  }
  compactArray<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.uvarint() - 1; left > 0; left--) items.push(read());
    return items;
  }
  /** Tagged fields (KIP-482) that this client does not know. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.#move(this.uvarint());
    }
  }

  #text(length: number): string {
    const start = this.#move(length);
    return this.#bytes.toString('utf8', start, start + length);
  }
  #move(length: number): number {
    const start = this.#at;
    this.#at += length;
    return start;
  }
}
