import type { FrameFault } from './frame-scanner.js';

/** What is counted of a frame. */
export interface CountedFrame {
  /** Unix time in whole seconds, rounded down. */
  readonly atS: number;
  /** Bit i: there is a value of the i-th counted field. */
  readonly present: number;
  /** High and low half of each field's hash in turn; signed, since such numbers need no memory of their own. */
  readonly hashes: Int32Array;
}

/** A frame that was read, and where it came from. */
export interface ScannedFrame extends CountedFrame {
  /** The frame as it came; valid until the next one is read. */
  bytes(): Uint8Array;
}

/** Lines cut and scanned together. Its fields are those of the line that it was last sent to. */
export interface ScannedLines extends ScannedFrame {
  readonly count: number;
  /** Goes to the i-th line. Returns why it cannot be counted; `blank`: it is no frame, but empty, or a return alone. */
  line(i: number): FrameFault | 'blank' | undefined;
}

const RETURN = 0x0d;

/** Whether `bytes[start, end)` is no frame. */
export const isBlank = (bytes: Uint8Array, start: number, end: number): boolean =>
  start === end || (start + 1 === end && bytes[start] === RETURN);
