import { readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { FrameReader } from '../core/frame-reader.js';
import type { FrameFormat } from '../core/frame-scanner.js';
import { PackedLines } from '../core/packed-lines.js';
import type { ScannedLines } from '../core/scanned-lines.js';
import { OneLine, requireLine } from './line-cutter.js';
import type { Piece, ScannedPiece, ScanThreadData } from './scan-thread.js';

/** Large enough that a message to a thread, some 0.1 ms of CPU time, costs nothing per frame. */
const PIECE_BYTES = 4 << 20;
/** Pieces given to each thread beforehand, so that none waits for the next. */
const AHEAD = 2;
const MOST_THREADS = 4;
/** Lines counted between two looks at the clock. */
const LINES_AT_ONCE = 4_096;

export interface OpenFile {
  readonly fd: number;
  /** Bytes; what is appended while it is read is not. */
  readonly size: number;
}

/**
 * The lines of a file, in their order, scanned by a thread per core (four at most); each valid until the next is asked for.
 * Threads read pieces of equal size and cut the lines that lie inside; those that cross a border are read here.
 * @throws PipelineError `LINE_TOO_LONG`.
 */
export async function* scanFile(
  { fd, size }: OpenFile,
  format: FrameFormat,
  onRead: (bytes: number) => void,
  pieceBytes = PIECE_BYTES,
): AsyncIterable<ScannedLines> {
  const pieces = Math.ceil(size / pieceBytes);
  const threads = Array.from(
    { length: Math.min(availableParallelism(), MOST_THREADS, pieces) },
    () => new ScanThread({ fd, format, pieceBytes }),
  );
  const give = (piece: number): void => {
    const position = piece * pieceBytes;
    if (position >= size) return;
    threads[piece % threads.length]!.give({ position, length: Math.min(pieceBytes, size - position) });
  };
  const borders = new BorderLines(fd, format);
  try {
    for (let piece = 0; piece < AHEAD * threads.length; piece++) give(piece);
    for (let piece = 0; piece < pieces; piece++) {
      const { position, head, tail, count, words } = await threads[piece % threads.length]!.next();
      give(piece + AHEAD * threads.length);
      if (head > 0) yield borders.until(position + head - 1);
      const bytes = (start: number, end: number): Uint8Array =>
        readRange(fd, position + start, position + end);
      for (let first = 0; first < count; first += LINES_AT_ONCE) {
        const some = { first, count: Math.min(LINES_AT_ONCE, count - first) };
        yield new PackedLines(words, format.idFields.length, some, bytes);
      }
      if (head > 0 || position === 0) borders.from = position + tail;
      onRead(Math.min(position + pieceBytes, size));
    }
    // A last line without a newline.
    if (borders.from < size) yield borders.until(size);
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
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

/** One thread, which answers in the order in which it was asked. */
class ScanThread {
  readonly #worker: Worker;
  readonly #answers: ScannedPiece[] = [];
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(workerData: ScanThreadData) {
    this.#worker = new Worker(new URL('./scan-thread.js', import.meta.url), { workerData });
    this.#worker.on('message', (answer: ScannedPiece) => {
      this.#answers.push(answer);
      this.#wake();
    });
    this.#worker.on('error', (error: Error) => {
      this.#failure = error;
      this.#wake();
    });
  }

  give(piece: Piece): void {
    this.#worker.postMessage(piece);
  }

  async next(): Promise<ScannedPiece> {
    while (this.#answers.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((wake) => (this.#wake = wake));
    }
    return this.#answers.shift()!;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
