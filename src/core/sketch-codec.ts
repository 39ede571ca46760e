import { allot } from './allot.js';
import { PipelineError } from './errors.js';
import { HASH_ID, HASH_SEED } from './hash64.js';
import { HashSet64 } from './hash-set64.js';
import { exactLimit, MAX_PRECISION, MIN_PRECISION, UniqueSketch } from './hyperloglog.js';

/**
 * Bytes of a sketch, all numbers big-endian (test/vectors/sketch.json pins them):
 *
 *   0  format, 1            1  hash function (1: MurmurHash3_x86_128, first 64 bits)
 *   2  seed, 4 bytes        6  precision          7  0 exact, 1 dense
 *   exact: number of hashes, 4 bytes; the hashes, 8 bytes each, ascending
 *   dense: 2^precision registers of 6 bits each, the first in the high bits of the first byte
 */
const FORMAT = 1;
const HEADER_BYTES = 8;
const EXACT = 0;
const DENSE = 1;

export function encodeSketch(sketch: UniqueSketch): Uint8Array {
  const { hashes, registers, precision } = sketch;
  const bytes = allot(HEADER_BYTES + (hashes === undefined ? denseBytes(precision) : 4 + 8 * hashes.size));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint8(0, FORMAT);
  view.setUint8(1, HASH_ID);
  view.setUint32(2, HASH_SEED);
  view.setUint8(6, precision);
  view.setUint8(7, hashes === undefined ? DENSE : EXACT);
  if (hashes === undefined) {
    packRegisters(registers!, bytes.subarray(HEADER_BYTES));
  } else {
    view.setUint32(HEADER_BYTES, hashes.size);
    const words = hashes.sorted();
    for (let i = 0; i < words.length; i++) view.setUint32(HEADER_BYTES + 4 + 4 * i, words[i]!);
  }
  return bytes;
}

/** @throws PipelineError `BAD_SKETCH` when the bytes are of another format, hash, seed or length. */
export function decodeSketch(bytes: Uint8Array): UniqueSketch {
  if (bytes.length < HEADER_BYTES) throw badSketch('too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== FORMAT) throw badSketch(`format ${view.getUint8(0)}, expected ${FORMAT}`);
  if (view.getUint8(1) !== HASH_ID || view.getUint32(2) !== HASH_SEED)
    throw badSketch('another hash or seed');
  const precision = view.getUint8(6);
  if (precision < MIN_PRECISION || precision > MAX_PRECISION) throw badSketch(`precision ${precision}`);
  const sketch = new UniqueSketch(precision);
  const body = bytes.subarray(HEADER_BYTES);
  switch (view.getUint8(7)) {
    case EXACT:
      sketch.load({ hashes: readHashes(body, precision) });
      return sketch;
    case DENSE:
      if (body.length !== denseBytes(precision)) throw badSketch('wrong length');
      sketch.load({ registers: unpackRegisters(body, 2 ** precision) });
      return sketch;
    default:
      throw badSketch('neither exact nor dense');
  }
}

/** No sketch of this precision takes more: one that is exact up to its limit is larger than registers. */
export const mostSketchBytes = (precision: number): number => HEADER_BYTES + 4 + 8 * exactLimit(precision);

const denseBytes = (precision: number): number => (2 ** precision / 4) * 3;

function readHashes(body: Uint8Array, precision: number): HashSet64 {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (body.length < 4) throw badSketch('too short');
  const count = view.getUint32(0);
  if (count > exactLimit(precision) || body.length !== 4 + 8 * count) throw badSketch('wrong length');
  const hashes = new HashSet64();
  for (let at = 4; at < body.length; at += 8) {
    const high = view.getInt32(at);
    const low = view.getInt32(at + 4);
    if ((high | low) === 0) throw badSketch('the hash 0');
    hashes.add(high, low);
  }
  if (hashes.size !== count) throw badSketch('a hash twice');
  return hashes;
}

/** Four registers of 6 bits to three bytes: no value exceeds 61 (64 - MIN_PRECISION + 1). */
function packRegisters(registers: Uint8Array, out: Uint8Array): void {
  for (let i = 0, at = 0; i < registers.length; i += 4, at += 3) {
    const word =
      (registers[i]! << 18) | (registers[i + 1]! << 12) | (registers[i + 2]! << 6) | registers[i + 3]!;
    out[at] = word >>> 16;
    out[at + 1] = word >>> 8;
    out[at + 2] = word;
  }
}

function unpackRegisters(packed: Uint8Array, count: number): Uint8Array {
  const registers = new Uint8Array(count);
  for (let i = 0, at = 0; i < count; i += 4, at += 3) {
    const word = (packed[at]! << 16) | (packed[at + 1]! << 8) | packed[at + 2]!;
    registers[i] = word >>> 18;
    registers[i + 1] = (word >>> 12) & 63;
    registers[i + 2] = (word >>> 6) & 63;
    registers[i + 3] = word & 63;
  }
  return registers;
}

const badSketch = (why: string): PipelineError =>
  new PipelineError('BAD_SKETCH', `reading a sketch state: ${why}`);
