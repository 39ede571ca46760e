import { murmur3x86x128 } from './hash64.js';

/**
 * A digest of a multiset: the sum of its members' 128-bit hashes, per 32-bit lane. Members may be added in any order and
 * in parts; one more, one less or one changed gives another sum. It guards against accidents, not against an adversary.
 */
export class MultisetDigest {
  readonly #sum = new Uint32Array(4);
  #members = 0;

  get members(): number {
    return this.#members;
  }

  /** Adds the member whose hash is `lanes[0..3]`. */
  add(lanes: Uint32Array): void {
    this.#members++;
    for (let lane = 0; lane < 4; lane++) this.#sum[lane]! += lanes[lane]!;
  }

  /** 32 hex digits. */
  toString(): string {
    return [...this.#sum].map((lane) => lane.toString(16).padStart(8, '0')).join('');
  }
}

const SEED = 0x7265_706c; // "repl"
/** Lanes of key and value, lanes of the headers, and four numbers. */
const SCRATCH_BYTES = 16 + 16 + 4 * 8;

/** Bytes `[start, end)` of a buffer. */
export interface ByteRange {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Hashes records: content and place of origin together, so that a record found under another origin differs. */
export class RecordHasher {
  readonly lanes = new Uint32Array(4);
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  readonly #view = new DataView(this.#scratch.buffer);

  /** The result is in `lanes` until the next call. Times are epoch ms; -1 leaves the time out. */
  hash(
    keyAndValue: ByteRange,
    headers: ByteRange,
    origin: { readonly partition: number; readonly offset: number },
    timestampMs: number,
  ): void {
    this.#part(0, keyAndValue);
    this.#part(16, headers);
    this.#view.setFloat64(32, origin.partition, true);
    this.#view.setFloat64(40, origin.offset, true);
    this.#view.setFloat64(48, timestampMs, true);
    murmur3x86x128(this.#scratch, 0, SCRATCH_BYTES, SEED, this.lanes);
  }

  #part(at: number, { bytes, start, end }: ByteRange): void {
    murmur3x86x128(bytes, start, end, SEED, this.lanes);
    for (let lane = 0; lane < 4; lane++) this.#view.setUint32(at + 4 * lane, this.lanes[lane]!, true);
  }
}
