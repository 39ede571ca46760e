import { ROOM_AT, ScanMemory } from '../core/scan-memory.js';

/** What is not in scannable memory is copied there, so much at a time. */
const COPIED_BYTES = 1 << 20;
let own: ScanMemory | undefined;

/** CRC-32C (Castagnoli; RFC 3720, appendix B.4), unsigned. See wasm/crc32c.as. */
export function crc32c(bytes: Uint8Array): number {
  const { byteOffset, length } = bytes;
  const memory = ScanMemory.of(bytes);
  const state = memory?.crc32c(byteOffset, byteOffset + length, -1) ?? copied(bytes);
  return ~state >>> 0;
}

function copied(bytes: Uint8Array): number {
  const memory = (own ??= ScanMemory.withRoom(COPIED_BYTES));
  let state = -1;
  for (let at = 0; at < bytes.length; at += COPIED_BYTES) {
    const piece = bytes.length <= COPIED_BYTES ? bytes : bytes.subarray(at, at + COPIED_BYTES);
    memory.bytes.set(piece, ROOM_AT);
    state = memory.crc32c(ROOM_AT, ROOM_AT + piece.length, state);
  }
  return state;
}
