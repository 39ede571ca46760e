import { PipelineError } from '../core/errors.js';
import type { FrameFault } from '../core/frame-scanner.js';
import type { FrameReader } from '../core/frame-reader.js';
import { isBlank, type ScannedLines } from '../core/scanned-lines.js';

/** Bytes scanned at once: large enough that a call costs nothing per frame, small enough to stay in the cache. */
const CHUNK_BYTES = 1 << 20;
/** Room before them for the line that the ones before began. */
const HEAD_BYTES = 1 << 16;
/** Size of the reader's room. */
export const ROOM_BYTES = HEAD_BYTES + CHUNK_BYTES;
/** A line longer than this is not a frame but a file without newlines. */
const MAX_LINE_BYTES = 64 << 20;
const NEWLINE = 0x0a;

/** Cuts what comes in pieces into lines. Lines too long for the reader's room are put together elsewhere. */
export class LineCutter {
  readonly #reader: FrameReader;
  /** What was left of a line: a short piece, or the pieces of a long line. */
  #rest: Uint8Array = Buffer.alloc(0);
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;

  /** The reader's room has ROOM_BYTES. */
  constructor(reader: FrameReader) {
    this.#reader = reader;
  }

  /** The lines that end in this piece; each valid until the next is asked for. @throws PipelineError `LINE_TOO_LONG`. */
  *push(piece: Uint8Array): Iterable<ScannedLines> {
    for (let at = 0; at < piece.length; at += CHUNK_BYTES) {
      yield* this.#take(piece.subarray(at, at + CHUNK_BYTES));
    }
  }

  /** A last line without a newline. */
  *end(): Iterable<ScannedLines> {
    const last = Buffer.concat([...this.#pieces, this.#rest]);
    this.#pieces = [];
    this.#rest = Buffer.alloc(0);
    if (last.length > 0) yield new OneLine(this.#reader, last);
  }

  *#take(chunk: Uint8Array): Iterable<ScannedLines> {
    let start = 0;
    if (this.#pieces.length > 0) {
      start = chunk.indexOf(NEWLINE) + 1;
      this.#keepPiece(start === 0 ? chunk : chunk.subarray(0, start - 1));
      if (start === 0) return;
      const whole = Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#piecesBytes = 0;
      yield new OneLine(this.#reader, whole);
    }
    const reader = this.#reader;
    reader.room.set(chunk, HEAD_BYTES);
    let from = HEAD_BYTES + start - this.#rest.length;
    const end = HEAD_BYTES + chunk.length;
    reader.room.set(this.#rest, from);
    while (reader.cut(from, end) > 0) {
      from = reader.stop;
      yield reader;
    }
    // A copy, as the room is used again; not `slice`, which of a Buffer would be a view.
    this.#rest = Buffer.from(reader.room.subarray(from, end));
    if (this.#rest.length <= HEAD_BYTES) return;
    this.#keepPiece(this.#rest);
    this.#rest = Buffer.alloc(0);
  }

  #keepPiece(piece: Uint8Array): void {
    this.#pieces.push(Buffer.from(piece));
    this.#piecesBytes += piece.length;
    if (this.#piecesBytes > MAX_LINE_BYTES) throw lineTooLong();
  }
}

/** A line that lies elsewhere than the others. */
export class OneLine implements ScannedLines {
  readonly count = 1;
  readonly #reader: FrameReader;
  readonly #text: Uint8Array;

  constructor(reader: FrameReader, text: Uint8Array) {
    if (text.length > MAX_LINE_BYTES) throw lineTooLong();
    this.#reader = reader;
    this.#text = text;
  }

  line(): FrameFault | 'blank' | undefined {
    const { length } = this.#text;
    return isBlank(this.#text, 0, length) ? 'blank' : this.#reader.read(this.#text, 0, length);
  }

  get atS(): number {
    return this.#reader.atS;
  }

  get present(): number {
    return this.#reader.present;
  }

  get hashes(): Int32Array {
    return this.#reader.hashes;
  }

  bytes(): Uint8Array {
    return this.#text;
  }
}

/** Of a line of `bytes`, where they are known before they are read. */
export function requireLine(bytes: number): void {
  if (bytes > MAX_LINE_BYTES) throw lineTooLong();
}

const lineTooLong = (): PipelineError =>
  new PipelineError('LINE_TOO_LONG', 'reading lines: one is longer than 64 MiB');
