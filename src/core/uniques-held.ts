import type { FrameTally } from './uniques-tally.js';
import type { HeldFrame, PartitionTimeState } from './watermark-partition.js';

/** A frame that waits for confirmation: kept as it came, since it may end in quarantine. */
export interface HeldBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface StoredFrame {
  readonly atS: number;
  readonly countedBefore: number;
  readonly offset: number;
  /** One UTF-16 unit per byte, so that any bytes survive JSON. */
  readonly frame: string;
}

/** State of one partition as its record holds it. */
export interface StoredTime extends Omit<PartitionTimeState<never>, 'held'> {
  readonly held: readonly StoredFrame[];
  readonly tally: FrameTally;
}

export const encodeFrame = (held: HeldFrame<HeldBytes>): StoredFrame => ({
  atS: held.atS,
  countedBefore: held.countedBefore,
  offset: held.frame.offset,
  frame: Array.from(held.frame.bytes, (byte) => String.fromCharCode(byte)).join(''),
});

export const decodeFrame = (stored: StoredFrame): HeldFrame<HeldBytes> => ({
  atS: stored.atS,
  countedBefore: stored.countedBefore,
  frame: {
    offset: stored.offset,
    bytes: Uint8Array.from({ length: stored.frame.length }, (_, i) => stored.frame.charCodeAt(i)),
  },
});
