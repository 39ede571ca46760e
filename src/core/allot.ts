const CHUNK_BYTES = 1 << 16;
/** Larger pieces get memory of their own: it costs little beside what goes into it. */
const LARGEST = CHUNK_BYTES / 16;

let chunk = new Uint8Array(0);
let used = 0;

/**
 * So many bytes, with anything in them, cut off a larger piece: memory outside the heap costs more to get and to give back
 * than a record of a hundred bytes is worth. For what is soon written or copied: a piece keeps all of its chunk alive.
 */
export function allot(bytes: number): Uint8Array {
  if (bytes > LARGEST) return new Uint8Array(bytes);
  if (used + bytes > chunk.length) {
    chunk = new Uint8Array(CHUNK_BYTES);
    used = 0;
  }
  return chunk.subarray(used, (used += bytes));
}
