import { readSync } from 'node:fs';
import { FrameReader } from '../core/frame-reader.js';
import type { FrameFormat } from '../core/frame-scanner.js';
import { LinePacker } from '../core/packed-lines.js';

/** Where frames lie, and how to read them: plain data, so that a thread can be given it. */
export interface PieceSource {
  /** Open for reading; descriptors are the process's. */
  readonly fd: number;
  readonly format: FrameFormat;
  /** Size of the largest piece. */
  readonly pieceBytes: number;
}

/** Bytes [position, position + length) of the file. */
export interface Piece {
  readonly position: number;
  readonly length: number;
  /** Memory of an earlier piece, to be used again. */
  readonly spent?: Int32Array<ArrayBuffer>;
}

/** What was read of a piece. Positions within it are bytes from where it begins. */
export interface ScannedPiece {
  readonly position: number;
  /** Behind its first newline: what lies before ends a line of an earlier piece. 0: it has no newline. Of the first piece 0. */
  readonly head: number;
  /** Behind its last newline: what lies there begins a line that a later piece ends. */
  readonly tail: number;
  /** The lines of [head, tail). */
  readonly count: number;
  readonly words: Int32Array<ArrayBuffer>;
}

const NEWLINE = 0x0a;
/** Bytes read and scanned in turn, in the same place always: of what was just copied, much is still in this core's cache. Smaller steps copy slower than that saves. */
const STEP_BYTES = 1 << 20;

/** Reads pieces of a file and scans the lines that lie inside. One serves one thread. */
export class PieceScanner {
  readonly #fd: number;
  readonly #reader: FrameReader;
  readonly #packer: LinePacker;

  constructor({ fd, format, pieceBytes }: PieceSource) {
    this.#fd = fd;
    this.#reader = new FrameReader(format, pieceBytes);
    this.#packer = new LinePacker(format.idFields.length);
  }

  scan({ position, length, spent }: Piece): ScannedPiece {
    const reader = this.#reader;
    const { room } = reader;
    this.#packer.begin(spent);
    let head = 0;
    let tail = 0;
    // The room begins with what of the piece was read and not cut yet: [base, base + kept).
    let base = 0;
    let kept = 0;
    while (base + kept < length) {
      const wanted = Math.min(STEP_BYTES, length - base - kept);
      const got = readSync(this.#fd, room, kept, wanted, position + base + kept);
      if (got === 0) break;
      const start = kept;
      kept += got;
      let from = 0;
      if (position > 0 && head === 0) {
        const newline = room.subarray(start, kept).indexOf(NEWLINE);
        if (newline < 0) continue;
        from = start + newline + 1;
        head = base + from;
      }
      for (; reader.cut(from, kept, base) > 0; from = reader.stop) this.#packer.add(reader, base);
      tail = base + from;
      room.copyWithin(0, from, kept);
      base += from;
      kept -= from;
    }
    return { position, head, tail, ...this.#packer.take() };
  }
}
