/**
 * Zigzag varints as Kafka's record format writes them (KIP-98, "Message Format"; the encoding is Protocol Buffers' sint32/sint64).
 * Long varints are handled as doubles: exact for every offset and timestamp below 2^53.
 */

/** Bytes that a zigzag varint of the 32-bit `value` takes: 1 to 5. */
export function varintSize(value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let size = 1;
  while (rest > 127) {
    rest >>>= 7;
    size++;
  }
  return size;
}

/** Writes the 32-bit `value` at `at`; answers the position after it. */
export function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 127) {
    target[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2);

/** Bytes that a zigzag varlong of a safe integer takes: 1 to 8. */
export function varlongSize(value: number): number {
  let rest = zigzag(value);
  let size = 1;
  while (rest > 127) {
    rest = Math.floor(rest / 128);
    size++;
  }
  return size;
}

/** Writes a safe integer at `at`; answers the position after it. */
export function writeVarlong(target: Buffer, at: number, value: number): number {
  let rest = zigzag(value);
  while (rest > 127) {
    target[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  target[at++] = rest;
  return at;
}

/** Reads varints one after the other; the base of everything that walks over records. */
export class VarintReader {
  at: number;
  readonly bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  varint(): number {
    const bytes = this.bytes;
    let at = this.at;
    let byte = bytes[at++] as number;
    let raw = byte & 127;
    // Most lengths and deltas fit one byte; the loop is for the others.
    for (let shift = 7; byte & 128; shift += 7) {
      byte = bytes[at++] as number;
      raw |= (byte & 127) << shift;
    }
    this.at = at;
    return (raw >>> 1) ^ -(raw & 1);
  }

  varlong(): number {
    const bytes = this.bytes;
    let at = this.at;
    let byte = bytes[at++] as number;
    let raw = byte & 127;
    for (let shift = 7; byte & 128; shift += 7) {
      // Doubles, whose remainder is slow, are for what 32 bits cannot hold: a delta of more than a day.
      if (shift > 21) return this.#longVarlong(raw, at);
      byte = bytes[at++] as number;
      raw |= (byte & 127) << shift;
    }
    this.at = at;
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** The rest of a varlong whose first 28 bits are `low`. */
  #longVarlong(low: number, from: number): number {
    let at = from;
    let raw = low;
    let byte = 128;
    for (let scale = 2 ** 28; byte & 128; scale *= 128) {
      byte = this.bytes[at++] as number;
      raw += (byte & 127) * scale;
    }
    this.at = at;
    return raw % 2 === 1 ? -(raw + 1) / 2 : raw / 2;
  }
}
