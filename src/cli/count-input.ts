import { createReadStream, fstatSync, read } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { PipelineError } from '../core/errors.js';
import { chunksOf } from './line-cutter.js';

/** Of what is read to be unzipped. */
const CHUNK_BYTES = 1 << 20;
const readAt = promisify(read);

/** Where frames come from, one JSON object a line. */
export interface FrameInput {
  /** The bytes in pieces, each valid until the next is asked for; in `room`, where chunks belong, if that saves a copy. */
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
  const buffers = chunksOf(room);
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
