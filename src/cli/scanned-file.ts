import { readSync } from 'node:fs';
import { FrameReader } from '../core/frame-reader.js';
import type { FrameFormat } from '../core/frame-scanner.js';
import { PackedLines } from '../core/packed-lines.js';
import type { ScannedLines } from '../core/scanned-lines.js';
import { OneLine, requireLine } from './line-cutter.js';
import { PieceScans } from './piece-scans.js';

/** Large enough that a message to a thread, some 0.1 ms of CPU time, costs nothing per frame. */
const PIECE_BYTES = 4 << 20;
/** Lines counted between two looks at the clock. */
const LINES_AT_ONCE = 4_096;

export interface OpenFile {
  readonly fd: number;
  /** Bytes; what is appended while it is read is not. */
  readonly size: number;
}

/**
 * The lines of a file, in their order, scanned by several threads, which start at once; each valid until the next is asked for. A file
 * is read in pieces of equal size, and the lines that lie inside are cut there; those that cross a border are read here.
 * @throws PipelineError `LINE_TOO_LONG`.
 */
export function scanFile(
  file: OpenFile,
  format: FrameFormat,
  onRead: (bytes: number) => void,
  pieceBytes = PIECE_BYTES,
): AsyncIterable<ScannedLines> {
  const scans = new PieceScans({ fd: file.fd, format, pieceBytes }, file.size);
  return scannedLines(scans, file, format, (position) => onRead(Math.min(position + pieceBytes, file.size)));
}

async function* scannedLines(
  scans: PieceScans,
  { fd, size }: OpenFile,
  format: FrameFormat,
  onPiece: (position: number) => void,
): AsyncIterable<ScannedLines> {
  const borders = new BorderLines(fd, format);
  try {
    for await (const { position, head, tail, count, words } of scans.inOrder()) {
      if (head > 0) yield borders.until(position + head - 1);
      const bytes = (start: number, end: number): Uint8Array =>
        readRange(fd, position + start, position + end);
      for (let first = 0; first < count; first += LINES_AT_ONCE) {
        const some = { first, count: Math.min(LINES_AT_ONCE, count - first) };
        yield new PackedLines(words, format.idFields.length, some, bytes);
      }
      if (head > 0 || position === 0) borders.from = position + tail;
      onPiece(position);
    }
    // A last line without a newline.
    if (borders.from < size) yield borders.until(size);
  } finally {
    await scans.end();
  }
}

/** Lines that begin in one piece and end in another. */
class BorderLines {
  /** Where the next one begins. */
  from = 0;
  readonly #fd: number;
  readonly #reader: FrameReader;

  constructor(fd: number, format: FrameFormat) {
    this.#fd = fd;
    this.#reader = new FrameReader(format);
  }

  until(end: number): ScannedLines {
    requireLine(end - this.from);
    return new OneLine(this.#reader, readRange(this.#fd, this.from, end));
  }
}

function readRange(fd: number, start: number, end: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(end - start);
  let read = 0;
  for (let got = -1; read < bytes.length && got !== 0; read += got) {
    got = readSync(fd, bytes, read, bytes.length - read, start + read);
  }
  return bytes.subarray(0, read);
}
