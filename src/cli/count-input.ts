import { createReadStream, fstatSync, read } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { PipelineError } from '../core/errors.js';

/** Bytes asked for at once: large enough that a call costs nothing per frame, small enough to stay in the cache. */
const CHUNK_BYTES = 1 << 20;
/** Two chunks: while one is being counted, the next is read. */
export const ROOM_BYTES = 2 * CHUNK_BYTES;
/** A line longer than this is not a frame but a file without newlines. */
const MAX_LINE_BYTES = 64 << 20;
const NEWLINE = 0x0a;
const readAt = promisify(read);
const RETURN = 0x0d;

/** Where frames come from, one JSON object a line. */
export interface FrameInput {
  /** The bytes in pieces, each valid until the next is asked for; in `room` (of ROOM_BYTES) where it saves a copy. */
  readonly chunks: (room: Uint8Array) => AsyncIterable<Buffer>;
  /** Size of the file as it is stored, unknown for a pipe. */
  readonly totalBytes: number | undefined;
  /** Bytes of it read so far. */
  readBytes(): number;
}

/** Opens a file, gzip or not. */
export async function openFile(path: string): Promise<FrameInput> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new PipelineError('NO_INPUT', `opening ${path}: ${(cause as Error).message}`, { cause });
  });
  return fromHandle(handle, path);
}

/** Standard input: a pipe, or a file that was redirected into it. */
export async function openStdin(): Promise<FrameInput> {
  if (fstatSync(0).isFile()) return fromHandle(await open('/dev/stdin', 'r'), undefined);
  let read = 0;
  async function* chunks(): AsyncIterable<Buffer> {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      read += chunk.length;
      yield chunk;
    }
  }
  return { chunks, totalBytes: undefined, readBytes: () => read };
}

async function fromHandle(handle: FileHandle, path: string | undefined): Promise<FrameInput> {
  const { size } = await handle.stat();
  const magic = Buffer.alloc(2);
  await handle.read(magic, 0, 2, 0);
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) {
    const progress = { bytes: 0 };
    return {
      chunks: (room) => plainChunks(handle, room, progress),
      totalBytes: size,
      readBytes: () => progress.bytes,
    };
  }
  const stored =
    path === undefined
      ? handle.createReadStream({ start: 0, highWaterMark: CHUNK_BYTES })
      : createReadStream(path, { highWaterMark: CHUNK_BYTES });
  if (path !== undefined) await handle.close();
  const unzipped = createGunzip({ chunkSize: CHUNK_BYTES });
  stored.on('error', (error) => unzipped.destroy(error));
  return { chunks: () => stored.pipe(unzipped), totalBytes: size, readBytes: () => stored.bytesRead };
}

/** Two halves of `room` in turn: while one is being counted, the next is read. */
async function* plainChunks(
  handle: FileHandle,
  room: Uint8Array,
  progress: { bytes: number },
): AsyncIterable<Buffer> {
  const buffers = [0, CHUNK_BYTES].map((start) =>
    Buffer.from(room.buffer, room.byteOffset + start, CHUNK_BYTES),
  );
  let position = 0;
  const readNext = async (turn: number): Promise<Buffer> => {
    const buffer = buffers[turn & 1]!;
    const bytes = await readAt(handle.fd, buffer, 0, buffer.length, position);
    return buffer.subarray(0, bytes.bytesRead);
  };
  try {
    let pending = readNext(0);
    for (let turn = 1; ; turn++) {
      const chunk = await pending;
      if (chunk.length === 0) return;
      position += chunk.length;
      progress.bytes = position;
      pending = readNext(turn);
      yield chunk;
    }
  } finally {
    await handle.close();
  }
}

/**
 * Cuts chunks into lines and keeps what the next chunk will complete. Blank lines are no frames.
 * A line's bytes are valid until the call that reports it returns.
 */
export class LineCutter {
  readonly #line: (bytes: Uint8Array, start: number, end: number, lineNumber: number) => void;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #lineNumber = 0;

  constructor(line: (bytes: Uint8Array, start: number, end: number, lineNumber: number) => void) {
    this.#line = line;
  }

  /** Reports every line that ends in this chunk. @throws PipelineError `LINE_TOO_LONG`. */
  push(chunk: Buffer): void {
    let start = 0;
    let end = chunk.indexOf(NEWLINE);
    if (this.#restBytes > 0 && end >= 0) {
      const whole = Buffer.concat([...this.#rest, chunk.subarray(0, end)]);
      this.#rest = [];
      this.#restBytes = 0;
      this.#report(whole, 0, whole.length);
      start = end + 1;
      end = chunk.indexOf(NEWLINE, start);
    }
    for (; end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#report(chunk, start, end);
      start = end + 1;
    }
    if (start === chunk.length) return;
    // A copy: the chunk's buffer is used again.
    this.#rest.push(Buffer.from(chunk.subarray(start)));
    this.#restBytes += chunk.length - start;
    if (this.#restBytes <= MAX_LINE_BYTES) return;
    throw new PipelineError('LINE_TOO_LONG', `reading line ${this.#lineNumber + 1}: longer than 64 MiB`);
  }

  /** Reports a last line without a newline. */
  end(): void {
    if (this.#restBytes === 0) return;
    const whole = Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restBytes = 0;
    this.#report(whole, 0, whole.length);
  }

  #report(bytes: Uint8Array, start: number, end: number): void {
    this.#lineNumber += 1;
    if (start === end || (start + 1 === end && bytes[start] === RETURN)) return;
    this.#line(bytes, start, end, this.#lineNumber);
  }
}
