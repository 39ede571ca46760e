import { availableParallelism } from 'node:os';
import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { PieceScanner, type Piece, type PieceSource, type ScannedPiece } from './piece-scanner.js';

const MOST_THREADS = 4;
/** Pieces given to each thread beforehand, so that none waits for the next. */
const AHEAD = 3;
/** Pieces given out and not yet handed on, at most. What was read of one of 4 MB is 64 kB of frames of 2 kB, and 2 MB of frames of 60 bytes. */
export const MOST_AHEAD = 16;

/**
 * The pieces of a file, scanned by a thread per core, four at most. This one is among them: while the next piece is not there, and so
 * while the others start, it scans too.
 */
export class PieceScans {
  readonly #size: number;
  readonly #source: PieceSource;
  readonly #pieces: number;
  readonly #scanner: PieceScanner;
  readonly #threads: readonly Worker[];
  /** The first piece that nobody was given, and the first that was not handed on. */
  #next = 0;
  #taken = 0;
  /** What was scanned before its turn, by position. */
  readonly #early = new Map<number, ScannedPiece>();
  /** Memory of pieces that were read. */
  readonly #spent: Int32Array<ArrayBuffer>[] = [];
  /** Threads that want a piece, as often as they do. */
  readonly #hungry: Worker[] = [];
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(source: PieceSource, size: number) {
    this.#source = source;
    this.#size = size;
    this.#pieces = Math.ceil(size / source.pieceBytes);
    const threads = Math.min(availableParallelism(), MOST_THREADS, this.#pieces) - 1;
    this.#threads = Array.from({ length: threads }, () => this.#start());
    this.#scanner = new PieceScanner(source);
  }

  /** The pieces in their order; each valid until the next is asked for. */
  async *inOrder(): AsyncGenerator<ScannedPiece> {
    for (let piece = 0; piece < this.#pieces; piece++) {
      const scanned = await this.#take(piece * this.#source.pieceBytes);
      yield scanned;
      this.#spent.push(scanned.words);
    }
  }

  /** Pieces scanned before their turn, by now. */
  get early(): number {
    return this.#early.size;
  }

  async end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  async #take(position: number): Promise<ScannedPiece> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const scanned = this.#early.get(position);
      if (scanned !== undefined) {
        this.#early.delete(position);
        this.#taken += 1;
        for (const thread of this.#hungry.splice(0)) this.#give(thread);
        return scanned;
      }
      const piece = this.#nextPiece();
      if (piece === undefined) await new Promise<void>((wake) => (this.#wake = wake));
      else {
        this.#early.set(piece.position, this.#scanner.scan(piece));
        // The threads have answered meanwhile, and want more.
        await turnOfTheEventLoop();
      }
    }
  }

  /** Undefined when all were given out, or as many as may be: who does not take them fills no memory. */
  #nextPiece(): Piece | undefined {
    if (this.#next === this.#pieces || this.#next - this.#taken >= MOST_AHEAD) return undefined;
    const { pieceBytes } = this.#source;
    const position = this.#next++ * pieceBytes;
    const spent = this.#spent.pop();
    return { position, length: Math.min(pieceBytes, this.#size - position), ...(spent && { spent }) };
  }

  #start(): Worker {
    const thread = new Worker(new URL('./scan-thread.js', import.meta.url), { workerData: this.#source });
    thread.on('online', () => {
      for (let given = 0; given < AHEAD; given++) this.#give(thread);
    });
    thread.on('message', (scanned: ScannedPiece) => {
      this.#early.set(scanned.position, scanned);
      this.#give(thread);
      this.#wake();
    });
    thread.on('error', (error: Error) => {
      this.#failure = error;
      this.#wake();
    });
    return thread;
  }

  #give(thread: Worker): void {
    const piece = this.#nextPiece();
    if (piece === undefined) this.#hungry.push(thread);
    else thread.postMessage(piece, piece.spent ? [piece.spent.buffer] : []);
  }
}
