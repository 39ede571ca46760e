import { badState } from './uniques-state.js';
import type { FrameTally } from './uniques-tally.js';
import type { HeldFrame, PartitionTimeState } from './watermark-partition.js';

/** A frame that waits for confirmation: kept as it came, since it may end in quarantine. */
export interface HeldBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** State of one partition as its record holds it, but for the frames it holds: each has a record of its own. */
export interface StoredTime extends Omit<PartitionTimeState<never>, 'held'> {
  readonly tally: FrameTally;
}

const FORMAT = 1;
/** Format, one byte; the timestamp and how many had been counted before, 8 bytes each, big-endian doubles. The frame follows. */
const HEADER_BYTES = 17;

/** Bytes of a held frame: hardly more than the frame, so that what fits a record of its topic fits one of the state. */
export function encodeHeld({ atS, countedBefore, frame }: HeldFrame<HeldBytes>): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + frame.bytes.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FORMAT);
  view.setFloat64(1, atS);
  view.setFloat64(9, countedBefore);
  bytes.set(frame.bytes, HEADER_BYTES);
  return bytes;
}

/** @throws PipelineError `BAD_STATE` when the bytes are of another format or cut. */
export function decodeHeld(offset: number, bytes: Uint8Array): HeldFrame<HeldBytes> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint8(0) !== FORMAT)
    throw badState('a held frame of another format');
  const frame = { offset, bytes: bytes.slice(HEADER_BYTES) };
  return { atS: view.getFloat64(1), countedBefore: view.getFloat64(9), frame };
}
