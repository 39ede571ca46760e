import { HASH_SEED, murmur3x86x128 } from '../hash64.js';
import type { StateRecord } from '../uniques-state.js';

/** Messages among which a repetition is recognised. Kept as hashes of 128 bits: two logins that share one are not expected ever. */
export const RECENT_LOGINS = 10_000;
const HASH_BYTES = 16;
/** State is written in pieces of this many, so that a commit writes about as much as it accepted. */
const SEGMENT = 250;

const ENCODER = new TextEncoder();
/** A user id has 36 bytes, a device id at most 4 times 64, a time at most 13. */
const scratch = new Uint8Array(512);
const lanes = new Uint32Array(4);

/** The last accepted logins of a partition, by user, device and time. */
export class RecentLogins {
  readonly #ring = new Uint32Array((RECENT_LOGINS * HASH_BYTES) / 4);
  readonly #known = new Set<string>();
  readonly #dirty = new Set<number>();
  #accepted: number;

  /** `accepted`: how many logins were remembered before, of which `segments` holds the last. */
  constructor(accepted = 0, segments: ReadonlyMap<number, Uint8Array> = new Map()) {
    this.#accepted = accepted;
    for (const [segment, bytes] of segments) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i < bytes.length / 4; i++)
        this.#ring[(segment * SEGMENT * HASH_BYTES) / 4 + i] = view.getUint32(4 * i);
    }
    const kept = Math.min(accepted, RECENT_LOGINS);
    for (let slot = 0; slot < kept; slot++) this.#known.add(this.#keyAt(slot));
  }

  get accepted(): number {
    return this.#accepted;
  }

  has(userId: string, deviceId: string, atMs: number): boolean {
    hash(userId, deviceId, atMs);
    return this.#known.has(keyOf(lanes, 0));
  }

  /** Remembers a login that is not known, and forgets the oldest when there are too many. */
  add(userId: string, deviceId: string, atMs: number): void {
    hash(userId, deviceId, atMs);
    const slot = this.#accepted % RECENT_LOGINS;
    if (this.#accepted >= RECENT_LOGINS) this.#known.delete(this.#keyAt(slot));
    this.#ring.set(lanes, 4 * slot);
    this.#known.add(keyOf(lanes, 0));
    this.#accepted += 1;
    this.#dirty.add(Math.floor(slot / SEGMENT));
  }

  /** Segments that changed since the last call, big-endian; the key is `prefix` and the segment's number. */
  snapshot(prefix: string): StateRecord[] {
    const records = [...this.#dirty].map((segment) => {
      const value = new Uint8Array(SEGMENT * HASH_BYTES);
      const view = new DataView(value.buffer);
      const first = (segment * SEGMENT * HASH_BYTES) / 4;
      for (let i = 0; i < value.length / 4; i++) view.setUint32(4 * i, this.#ring[first + i]!);
      return { key: `${prefix}${segment}`, value };
    });
    this.#dirty.clear();
    return records;
  }

  #keyAt(slot: number): string {
    return keyOf(this.#ring, 4 * slot);
  }
}

/** Into `lanes`. No id contains the separator. */
function hash(userId: string, deviceId: string, atMs: number): void {
  const { written } = ENCODER.encodeInto(`${userId}\n${deviceId}\n${atMs}`, scratch);
  murmur3x86x128(scratch, 0, written, HASH_SEED, lanes);
}

/** 128 bits as eight UTF-16 units: a key of a Set that needs no object but itself. */
const keyOf = (words: Uint32Array, at: number): string =>
  String.fromCharCode(
    words[at]! >>> 16,
    words[at]! & 0xffff,
    words[at + 1]! >>> 16,
    words[at + 1]! & 0xffff,
    words[at + 2]! >>> 16,
    words[at + 2]! & 0xffff,
    words[at + 3]! >>> 16,
    words[at + 3]! & 0xffff,
  );
