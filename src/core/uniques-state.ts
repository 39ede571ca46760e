import { allot } from './allot.js';
import { PipelineError } from './errors.js';
import type { UniqueSketch } from './hyperloglog.js';
import { decodeSketch, encodeSketch, mostSketchBytes } from './sketch-codec.js';

/** One record of state: the newest value of a key counts, and a null value says that the key is gone. */
export interface StateRecord {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** What one counted field has seen of one window. */
export interface FieldCount {
  /** Frames that carried the field. */
  frames: number;
  readonly sketch: UniqueSketch;
}

const FORMAT = 1;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/**
 * Bytes of a window's counts: format 1, number of fields (one byte each); per field, in the job's order, frames as
 * 8 bytes and the length of the sketch's bytes as 4, big-endian, and the sketch (sketch-codec.ts).
 */
export function encodeCounts(counts: readonly FieldCount[]): Uint8Array {
  const sketches = counts.map(({ sketch }) => encodeSketch(sketch));
  const bytes = allot(sketches.reduce((sum, { length }) => sum + 12 + length, 2));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint8(0, FORMAT);
  view.setUint8(1, counts.length);
  let at = 2;
  counts.forEach(({ frames }, i) => {
    const sketch = sketches[i]!;
    view.setBigUint64(at, BigInt(frames));
    view.setUint32(at + 8, sketch.length);
    bytes.set(sketch, at + 12);
    at += 12 + sketch.length;
  });
  return bytes;
}

/** No window's counts take more bytes. */
export const mostCountsBytes = (fields: number, precision: number): number =>
  2 + fields * (12 + mostSketchBytes(precision));

/** @throws PipelineError `BAD_STATE` or `BAD_SKETCH` when the bytes are of another format or cut. */
export function decodeCounts(bytes: Uint8Array): FieldCount[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 2 || view.getUint8(0) !== FORMAT) throw badState('counts of another format');
  const counts: FieldCount[] = [];
  let at = 2;
  for (let i = view.getUint8(1); i > 0; i--) {
    if (at + 12 > bytes.length) throw badState('counts cut short');
    const length = view.getUint32(at + 8);
    const frames = Number(view.getBigUint64(at));
    counts.push({ frames, sketch: decodeSketch(bytes.subarray(at + 12, at + 12 + length)) });
    at += 12 + length;
  }
  if (at !== bytes.length) throw badState('counts of another length');
  return counts;
}

/** A record whose value is JSON: `{"v":1, ...}`. */
export function jsonRecord(key: string, value: object): StateRecord {
  const text = JSON.stringify({ v: FORMAT, ...value });
  // In UTF-8 a unit of UTF-16 takes three bytes at most.
  const room = allot(3 * text.length);
  return { key, value: room.subarray(0, ENCODER.encodeInto(text, room).written) };
}

/** The JSON of a record. @throws PipelineError `BAD_STATE` when it is of another format. */
export function readJson<T extends object>(bytes: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(DECODER.decode(bytes));
  } catch (cause) {
    throw badState('not JSON', cause);
  }
  if ((value as { v?: unknown } | null)?.v !== FORMAT) throw badState('JSON of another format');
  return value as T;
}

export const badState = (why: string, cause?: unknown): PipelineError =>
  new PipelineError('BAD_STATE', `reading the state of a count: ${why}`, { cause });
