import { promisify } from 'node:util';
import { gunzipSync, gzip, gzipSync } from 'node:zlib';
import { PipelineError } from '../core/errors.js';
import { asBuffer } from './as-buffer.js';
import { lz4, snappy, zstd } from './required.js';

/** Bits 0 to 2 of a batch's attributes, in the order of the protocol's numbers. */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

let instantiating: Promise<void> | undefined;
let hasZstd = false;

/** Resolves when batches of this codec can be read and written: instantiating a module is asynchronous, decoding a batch is not. */
export async function readyFor(codec: Compression): Promise<void> {
  if (codec !== 'zstd' || hasZstd) return;
  instantiating ??= zstd().init();
  try {
    await instantiating;
    hasZstd = true;
  } finally {
    instantiating = undefined;
  }
}

function instantiated(): ReturnType<typeof zstd> {
  if (!hasZstd) throw new Error('using zstd: readyFor was not awaited');
  return zstd();
}

/** Largest body a batch may inflate to: bounds what a hostile or broken batch can allocate. */
const MAX_BODY_BYTES = 512 * 1024 * 1024;

/** The libraries' types exclude shared memory, which no buffer of ours is in. */
const owned = (bytes: Buffer): Buffer<ArrayBuffer> => bytes as Buffer<ArrayBuffer>;

/** `readyFor` the codec before. */
export function compress(codec: Compression, body: Buffer): Buffer {
  switch (codec) {
    case 'none':
      return body;
    case 'gzip':
      return gzipSync(body);
    case 'snappy':
      return compressXerial(body);
    case 'lz4':
      return lz4().compressFrameSync(owned(body));
    case 'zstd':
      return Buffer.from(instantiated().compress(owned(body), 3));
  }
}

const gzipAside = promisify(gzip);

/** The same, on another thread where the library has one for it (gzip, lz4). `body` must stay as it is until this resolves. */
export async function compressAside(codec: Compression, body: Buffer): Promise<Buffer> {
  if (codec === 'gzip') return gzipAside(body);
  await readyFor(codec);
  return codec === 'lz4' ? lz4().compressFrame(owned(body)) : compress(codec, body);
}

/** `readyFor` the codec before. @throws PipelineError `CORRUPT_BATCH` when the bytes are not what `codec` writes. */
export function decompress(codec: Compression, bytes: Buffer): Buffer {
  if (codec === 'zstd') instantiated();
  try {
    switch (codec) {
      case 'none':
        return bytes;
      case 'gzip':
        return gunzipSync(bytes, { maxOutputLength: MAX_BODY_BYTES });
      case 'snappy':
        return decompressXerial(bytes);
      case 'lz4':
        return lz4().decompressFrameSync(owned(bytes));
      case 'zstd':
        return decompressZstd(bytes);
    }
  } catch (cause) {
    throw new PipelineError('CORRUPT_BATCH', `decompressing a ${codec} batch`, { cause });
  }
}

/**
 * The Java client wraps snappy blocks in xerial's stream format: magic, version, compatible version, then blocks with a
 * 4-byte length (snappy-java, SnappyCodec). librdkafka writes one bare block. Both are read; xerial's is written.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
/** snappy-java's default block size. */
const XERIAL_BLOCK_BYTES = 32 * 1024;

function compressXerial(body: Buffer): Buffer {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES);
  XERIAL_MAGIC.copy(header);
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  const parts: Buffer[] = [header];
  for (let at = 0; at < body.length; at += XERIAL_BLOCK_BYTES) {
    const block = snappy().compressSync(owned(body).subarray(at, at + XERIAL_BLOCK_BYTES));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

function decompressXerial(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return uncompressSnappy(bytes);
  const parts: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const length = bytes.readInt32BE(at);
    parts.push(uncompressSnappy(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(parts);
}

const uncompressSnappy = (block: Buffer): Buffer =>
  snappy().uncompressSync(owned(block), { asBuffer: true }) as Buffer;

/** What ZSTD_decompress answers when the target is too small (zstd_errors.h: ZSTD_error_dstSize_tooSmall = 70). */
const TARGET_TOO_SMALL = /-70\b/;

/** The Java client streams, so its frames carry no content size: the target grows until the body fits. */
function decompressZstd(bytes: Buffer): Buffer {
  const module = instantiated();
  for (let heapBytes = Math.max(1 << 20, bytes.length * 8); ; heapBytes *= 4) {
    try {
      const body = module.decompress(owned(bytes), { defaultHeapSize: heapBytes });
      return asBuffer(body);
    } catch (error) {
      const grows = error instanceof Error && TARGET_TOO_SMALL.test(error.message);
      if (!grows || heapBytes >= MAX_BODY_BYTES) throw error;
    }
  }
}
