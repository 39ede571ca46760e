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
/** Bytes read and scanned in turn: what was just copied into this core's cache is still there. */
const STEP_BYTES = 256 << 10;

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

  scan({ position, length }: Piece): ScannedPiece {
    const reader = this.#reader;
    const { room } = reader;
    let read = 0;
    let head = 0;
    let tail = 0;
    while (read < length) {
      const got = readSync(this.#fd, room, read, Math.min(STEP_BYTES, length - read), position + read);
      if (got === 0) break;
      const start = read;
      read += got;
      if (position > 0 && head === 0) {
        const newline = room.subarray(start, read).indexOf(NEWLINE);
        if (newline < 0) continue;
        head = tail = start + newline + 1;
      }
      for (; reader.cut(tail, read) > 0; tail = reader.stop) this.#packer.add(reader);
    }
    return { position, head, tail, ...this.#packer.take() };
  }
}
