/**
 * 64-bit hash of a byte range: the first 64 bits of MurmurHash3_x86_128 (Austin Appleby, SMHasher), which needs
 * 32-bit multiplications only: JavaScript has those as one machine instruction, while 64-bit ones would be BigInt.
 *
 * Sketch states hold these hashes, so neither the function nor the seed may ever change (test/vectors/hash64.json).
 */

/** Name of the hash in state headers. */
export const HASH_ID = 1;
export const HASH_SEED = 0x7469_6465; // "tide"

const C1 = 0x239b_961b;
const C2 = 0xab0e_9789;
const C3 = 0x38b3_4ae5;
const C4 = 0xa1e3_8b93;

const rotl = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits));

function finalMix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** Little-endian word of the bytes of `[at, end)`, at most four; absent bytes are zero. */
function tailWord(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) return wordAt(bytes, at);
  let word = 0;
  for (let i = at; i < end; i++) word |= bytes[i]! << ((i - at) << 3);
  return word;
}

/** Writes the four unsigned 32-bit lanes of MurmurHash3_x86_128 of `bytes[start, end)` to `out[0..3]`. */
export function murmur3x86x128(
  bytes: Uint8Array,
  start: number,
  end: number,
  seed: number,
  out: Uint32Array,
): void {
  let h1 = seed | 0;
  let h2 = h1;
  let h3 = h1;
  let h4 = h1;
  let at = start;
  for (; at + 16 <= end; at += 16) {
    h1 ^= Math.imul(rotl(Math.imul(wordAt(bytes, at), C1), 15), C2);
    h1 = (Math.imul((rotl(h1, 19) + h2) | 0, 5) + 0x561c_cd1b) | 0;
    h2 ^= Math.imul(rotl(Math.imul(wordAt(bytes, at + 4), C2), 16), C3);
    h2 = (Math.imul((rotl(h2, 17) + h3) | 0, 5) + 0x0bca_a747) | 0;
    h3 ^= Math.imul(rotl(Math.imul(wordAt(bytes, at + 8), C3), 17), C4);
    h3 = (Math.imul((rotl(h3, 15) + h4) | 0, 5) + 0x96cd_1c35) | 0;
    h4 ^= Math.imul(rotl(Math.imul(wordAt(bytes, at + 12), C4), 18), C1);
    h4 = (Math.imul((rotl(h4, 13) + h1) | 0, 5) + 0x32ac_3b17) | 0;
  }
  // A zero word leaves its lane as it is, so the tail needs no switch over its length.
  if (at < end) {
    h1 ^= Math.imul(rotl(Math.imul(tailWord(bytes, at, end), C1), 15), C2);
    h2 ^= Math.imul(rotl(Math.imul(tailWord(bytes, at + 4, end), C2), 16), C3);
    h3 ^= Math.imul(rotl(Math.imul(tailWord(bytes, at + 8, end), C3), 17), C4);
    h4 ^= Math.imul(rotl(Math.imul(tailWord(bytes, at + 12, end), C4), 18), C1);
  }
  const length = end - start;
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = finalMix((h2 + h1) | 0);
  h3 = finalMix((h3 + h1) | 0);
  h4 = finalMix((h4 + h1) | 0);
  h1 = finalMix(h1);
  h1 = (h1 + h2 + h3 + h4) | 0;
  out[0] = h1;
  out[1] = h2 + h1;
  out[2] = h3 + h1;
  out[3] = h4 + h1;
}

/** The 64-bit hash of `bytes[start, end)` under Tidemark's seed: high half in `out[0]`, low half in `out[1]`; `out` has four elements. */
export function hash64(bytes: Uint8Array, start: number, end: number, out: Uint32Array): void {
  murmur3x86x128(bytes, start, end, HASH_SEED, out);
}
