/**
 * Shortens a message to some kilobytes of the same CRC-32C, by nothing but exclusive ors of 128 bits. That is what a CRC
 * costs most where no instruction multiplies without carry: WebAssembly has none, and libraries for Node that use the CPU's
 * own CRC instruction wait three cycles for each eight bytes.
 *
 * A CRC is a remainder modulo the polynomial P, so that a multiple of P may be added anywhere in the message. P divides
 * x^209 + x^144 + x^54 + x^39 + x^14 + 1, the shortest of its multiples with six terms (Koopman, "32-Bit Cyclic Redundancy
 * Codes for Internet Applications", 2002: distance 6 up to 177 bits), and so the same with x^128, since squaring doubles
 * exponents. Added where a block of 16 bytes begins it makes that block zero and changes the five that lie 65, 155, 170, 195
 * and 209 blocks behind. (Russell, "Chorba: A novel CRC32 implementation", 2024, does so for CRC-32.)
 */

const BLOCK: usize = 16;
/** The furthest of the blocks that change: what they are to be changed by is kept of so many. */
const KEPT: usize = 209 * BLOCK;
/** Where a block is looked for that lies so many before, as seen from `KEPT` before. */
const BACK_65: usize = KEPT - 65 * BLOCK;
const BACK_155: usize = KEPT - 155 * BLOCK;
const BACK_170: usize = KEPT - 170 * BLOCK;
const BACK_195: usize = KEPT - 195 * BLOCK;

/** The blocks made zero lately, as they were then: `KEPT`, then a run. Together with the message read they stay in the CPU's first cache. */
const BLOCKS_AT: usize = 32_768;
const RUN: usize = 8_192;
/** The short message: `KEPT`, then less than `STEP`. */
const SHORT_AT: usize = 49_152;
/** Blocks of a turn of the loop, in bytes. */
const STEP: usize = 4 * BLOCK;

/**
 * Writes a message of the same CRC as that of `[start, end)`, which begins with all ones (as CRC-32C does), so that the
 * remaining one begins with zero. Returns its length; it lies at `SHORT_AT`. `[start, end)` must have `KEPT` bytes.
 */
export function shorten(start: usize, end: usize): usize {
  memory.fill(BLOCKS_AT, 0, KEPT);
  // The block that changes the first one of the message, and no other.
  store<u32>(BLOCKS_AT, 0xffffffff);
  const last = end - KEPT;
  let at = start;
  while (at + STEP <= last) {
    const run: usize = min(RUN, (last - at) & ~(STEP - 1));
    const stop = at + run;
    for (let kept = BLOCKS_AT; at < stop; at += STEP, kept += STEP) {
      v128.store(kept, changed(at, kept), KEPT);
      v128.store(kept, changed(at + 16, kept + 16), KEPT + 16);
      v128.store(kept, changed(at + 32, kept + 32), KEPT + 32);
      v128.store(kept, changed(at + 48, kept + 48), KEPT + 48);
    }
    memory.copy(BLOCKS_AT, BLOCKS_AT + run, KEPT);
  }
  // From here on blocks change without becoming zero.
  memory.fill(BLOCKS_AT + KEPT, 0, KEPT);
  for (let offset: usize = 0; offset < KEPT; offset += BLOCK) {
    v128.store(SHORT_AT + offset, changed(at + offset, BLOCKS_AT + offset));
  }
  const rest = end - at - KEPT;
  memory.copy(SHORT_AT + KEPT, at + KEPT, rest);
  return KEPT + rest;
}

/** The block at `at` with all that changes it; the block `KEPT` before it is kept at `kept`. */
// @ts-ignore: decorator
@inline
function changed(at: usize, kept: usize): v128 {
  return v128.xor(
    v128.xor(
      v128.xor(v128.load(at), v128.load(kept, BACK_65)),
      v128.xor(v128.load(kept, BACK_155), v128.load(kept, BACK_170)),
    ),
    v128.xor(v128.load(kept, BACK_195), v128.load(kept)),
  );
}
