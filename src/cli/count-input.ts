import { createReadStream, fstatSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { PipelineError } from '../core/errors.js';
import { FrameReader } from '../core/frame-reader.js';
import type { FrameFormat } from '../core/frame-scanner.js';
import type { ScannedLines } from '../core/scanned-lines.js';
import { LineCutter, ROOM_BYTES } from './line-cutter.js';
import { scanFile } from './scanned-file.js';

/** Of what is read in one stream. */
const CHUNK_BYTES = 1 << 20;
/** Below this a file is read before threads have started. */
const THREADS_FROM_BYTES = 16 << 20;

/** Where frames come from, one JSON object a line. */
export interface FrameInput {
  /** The lines, in their order, once; each piece of them is valid until the next is asked for. @throws PipelineError `LINE_TOO_LONG`. */
  readonly lines: AsyncIterable<ScannedLines>;
  /** Size of the file as it is stored, unknown for a pipe. */
  readonly totalBytes: number | undefined;
  /** Bytes of it read so far. */
  readBytes(): number;
}

/** Opens a file, gzip or not, and begins to read it where it is large. */
export async function openFile(path: string, format: FrameFormat): Promise<FrameInput> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new PipelineError('NO_INPUT', `opening ${path}: ${(cause as Error).message}`, { cause });
  });
  return fromHandle(handle, format);
}

/** Standard input: a pipe, or a file that was redirected into it. */
export async function openStdin(format: FrameFormat): Promise<FrameInput> {
  if (fstatSync(0).isFile()) return fromHandle(await open('/dev/stdin', 'r'), format);
  let read = 0;
  async function* pieces(): AsyncIterable<Buffer> {
    for await (const piece of process.stdin as AsyncIterable<Buffer>) {
      read += piece.length;
      yield piece;
    }
  }
  return { lines: cutLines(pieces(), format), totalBytes: undefined, readBytes: () => read };
}

async function fromHandle(handle: FileHandle, format: FrameFormat): Promise<FrameInput> {
  const stat = await handle.stat();
  // Only a file can be looked at before it is read, and has a size.
  const isFile = stat.isFile();
  const isZipped = isFile && (await isGzip(handle));
  if (isFile && !isZipped && stat.size >= THREADS_FROM_BYTES) return scanned(handle, stat.size, format);
  const stored = createReadStream('', {
    fd: handle,
    highWaterMark: CHUNK_BYTES,
    ...(isFile && { start: 0 }),
  });
  const pieces = isZipped ? unzipped(stored) : stored;
  return {
    lines: cutLines(pieces, format),
    totalBytes: isFile ? stat.size : undefined,
    readBytes: () => stored.bytesRead,
  };
}

/** A large file, read by several threads. */
function scanned(handle: FileHandle, size: number, format: FrameFormat): FrameInput {
  let read = 0;
  return {
    lines: closing(
      handle,
      scanFile({ fd: handle.fd, size }, format, (bytes) => (read = bytes)),
    ),
    totalBytes: size,
    readBytes: () => read,
  };
}

function unzipped(stored: ReturnType<typeof createReadStream>): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  stored.on('error', (error) => gunzip.destroy(error));
  return stored.pipe(gunzip);
}

async function isGzip(handle: FileHandle): Promise<boolean> {
  const magic = Buffer.alloc(2);
  await handle.read(magic, 0, 2, 0);
  return magic[0] === 0x1f && magic[1] === 0x8b;
}

async function* cutLines(pieces: AsyncIterable<Buffer>, format: FrameFormat): AsyncIterable<ScannedLines> {
  const cutter = new LineCutter(new FrameReader(format, ROOM_BYTES));
  for await (const piece of pieces) yield* cutter.push(piece);
  yield* cutter.end();
}

async function* closing<T>(handle: FileHandle, items: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* items;
  } finally {
    await handle.close();
  }
}
