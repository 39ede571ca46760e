import { PipelineError } from '../core/errors.js';

/** Bytes read at once: large enough that a call costs nothing per frame, small enough to stay in the cache. */
const CHUNK_BYTES = 1 << 20;
/** Room before each chunk for the line that the one before it began. */
const HEAD_BYTES = 1 << 16;
const HALF_BYTES = HEAD_BYTES + CHUNK_BYTES;
/** Two chunks: while one is being counted, the next is read. */
export const ROOM_BYTES = 2 * HALF_BYTES;
/** A line longer than this is not a frame but a file without newlines. */
const MAX_LINE_BYTES = 64 << 20;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Where in `room` (of ROOM_BYTES) chunks belong, in turn: at pages, as a kernel copies into aligned memory several times as fast. */
export const chunksOf = (room: Uint8Array): readonly Buffer[] =>
  [0, HALF_BYTES].map((half) => Buffer.from(room.buffer, room.byteOffset + half + HEAD_BYTES, CHUNK_BYTES));

/** Who takes the lines. Numbers count from 1, blank lines among them; bytes are valid until the call returns. */
export interface LineTaker {
  readonly room: Uint8Array;
  /** Takes lines of `room[start, end)`, as many as it likes, the first of this number; returns how many, 0 when none ends there. */
  readonly lines: (lineNumber: number, start: number, end: number) => number;
  /** Where the line after those begins. */
  readonly stop: () => number;
  /** Takes one line from elsewhere, without its newline; not a blank one. */
  readonly line: (lineNumber: number, bytes: Uint8Array) => void;
}

/**
 * Brings chunks and the lines that they cut in two together in the taker's room. Lines too long for that are put
 * together elsewhere.
 */
export class LineCutter {
  readonly #taker: LineTaker;
  readonly #room: Uint8Array;
  /** What the last chunk left of a line: a short piece, or the pieces of a long line. */
  #rest: Uint8Array = Buffer.alloc(0);
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #lineNumber = 1;

  constructor(taker: LineTaker) {
    this.#taker = taker;
    this.#room = taker.room;
  }

  /** Hands over every line that ends in this chunk. @throws PipelineError `LINE_TOO_LONG`. */
  push(chunk: Buffer): void {
    if (chunk.buffer === this.#room.buffer) {
      const start = chunk.byteOffset - this.#room.byteOffset;
      this.#take(start, start + chunk.length);
      return;
    }
    for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
      const piece = chunk.subarray(at, at + CHUNK_BYTES);
      this.#room.set(piece, HEAD_BYTES);
      this.#take(HEAD_BYTES, HEAD_BYTES + piece.length);
    }
  }

  /** Hands over a last line without a newline. */
  end(): void {
    const last = Buffer.concat([...this.#pieces, this.#rest]);
    this.#pieces = [];
    this.#rest = Buffer.alloc(0);
    if (last.length > 1 || (last.length === 1 && last[0] !== RETURN)) this.#long(last);
  }

  /** The next bytes of the input lie in `room[start, end)`, and have room before them. */
  #take(start: number, end: number): void {
    let from = this.#pieces.length > 0 ? this.#endLongLine(start, end) : start - this.#rest.length;
    if (from === end) return;
    this.#room.set(this.#rest, from);
    for (;;) {
      const lines = this.#taker.lines(this.#lineNumber, from, end);
      if (lines === 0) break;
      this.#lineNumber += lines;
      from = this.#taker.stop();
    }
    // A copy: the room is used again.
    this.#rest = this.#copy(from, end);
    if (this.#rest.length > HEAD_BYTES) this.#keepPiece(this.#rest);
  }

  /** Looks for the end of the long line; returns where the next one begins. */
  #endLongLine(start: number, end: number): number {
    const newline = this.#room.subarray(start, end).indexOf(NEWLINE);
    if (newline < 0) {
      this.#keepPiece(this.#copy(start, end));
      return end;
    }
    const whole = Buffer.concat([...this.#pieces, this.#room.subarray(start, start + newline)]);
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#long(whole);
    return start + newline + 1;
  }

  /** Not `slice`: of a Buffer that would be a view. */
  #copy(start: number, end: number): Uint8Array {
    return Buffer.from(this.#room.subarray(start, end));
  }

  #keepPiece(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
    this.#rest = Buffer.alloc(0);
    if (this.#piecesBytes <= MAX_LINE_BYTES) return;
    throw new PipelineError('LINE_TOO_LONG', `reading line ${this.#lineNumber}: longer than 64 MiB`);
  }

  #long(line: Uint8Array): void {
    this.#taker.line(this.#lineNumber, line);
    this.#lineNumber += 1;
  }
}
