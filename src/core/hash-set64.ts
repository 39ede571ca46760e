/** Slots of a new table: most windows of a sparse stream hold a handful of users. */
const INITIAL_SLOTS = 8;

/**
 * A set of 64-bit hashes: open addressing over pairs of 32-bit words, at most half full, no object per entry.
 * The hash 0 marks an empty slot, so 0 itself is kept as 1.
 */
export class HashSet64 {
  #slots = new Uint32Array(2 * INITIAL_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds the hash given as two unsigned halves. Returns whether it is new. */
  add(high: number, low: number): boolean {
    const kept = (high | low) === 0 ? 1 : low >>> 0;
    if (!place(this.#slots, high >>> 0, kept)) return false;
    this.#size += 1;
    if (4 * this.#size > this.#slots.length) this.#grow();
    return true;
  }

  forEach(visit: (high: number, low: number) => void): void {
    const slots = this.#slots;
    for (let i = 0; i < slots.length; i += 2) {
      const high = slots[i]!;
      const low = slots[i + 1]!;
      if ((high | low) !== 0) visit(high, low);
    }
  }

  /** The hashes in ascending order as pairs of words, high then low. */
  sorted(): Uint32Array {
    const whole = new BigUint64Array(this.#size);
    const words = new Uint32Array(whole.buffer);
    let at = 0;
    this.forEach((high, low) => {
      words[at + HIGH_WORD] = high;
      words[at + 1 - HIGH_WORD] = low;
      at += 2;
    });
    whole.sort();
    if (HIGH_WORD === 0) return words;
    return words.map((_, i) => words[i ^ 1]!);
  }

  #grow(): void {
    const larger = new Uint32Array(2 * this.#slots.length);
    this.forEach((high, low) => void place(larger, high, low));
    this.#slots = larger;
  }
}

/** Which 32-bit word of a 64-bit element holds its high half on this machine. */
const HIGH_WORD = new Uint32Array(new BigUint64Array([1n]).buffer)[0] === 1 ? 1 : 0;

/** Puts a pair into the first free slot from its own. Returns false when it is there already. */
function place(slots: Uint32Array, high: number, low: number): boolean {
  const mask = slots.length - 2;
  for (let i = (low << 1) & mask; ; i = (i + 2) & mask) {
    const seenLow = slots[i + 1]!;
    const seenHigh = slots[i]!;
    if (seenLow === low && seenHigh === high) return false;
    if ((seenHigh | seenLow) === 0) {
      slots[i] = high;
      slots[i + 1] = low;
      return true;
    }
  }
}
