/** Up to here hashes lie in a plain list: a sparse stream has a million windows with a handful of users each. */
const LISTED = 16;
/** Slots of the first table: at most half full, as every one. */
const FIRST_SLOTS = 64;

/**
 * A set of 64-bit hashes without an object per entry: a list of word pairs while it is short, then open addressing,
 * at most half full. In the table the hash 0 marks an empty slot: it is not for this set. Words are kept as signed
 * numbers, which fit where a number needs no memory of its own.
 */
export class HashSet64 {
  /** High and low word in turn. */
  #list: number[] = [];
  #slots: Int32Array | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds the hash, not 0, given as two halves, signed or not. Returns whether it is new. */
  add(high: number, low: number): boolean {
    const slots = this.#slots;
    if (slots !== undefined ? !place(slots, high | 0, low | 0) : !append(this.#list, high | 0, low | 0)) {
      return false;
    }
    this.#size += 1;
    if (slots === undefined ? this.#size > LISTED : 4 * this.#size > slots.length) this.#grow();
    return true;
  }

  forEach(visit: (high: number, low: number) => void): void {
    const words = this.#slots ?? this.#list;
    for (let i = 0; i < words.length; i += 2) {
      const high = words[i]!;
      const low = words[i + 1]!;
      if ((high | low) !== 0) visit(high, low);
    }
  }

  /** The hashes in ascending order as pairs of unsigned words, high then low. */
  sorted(): ArrayLike<number> {
    if (this.#slots === undefined) return sortedPairs(this.#list);
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
    const larger = new Int32Array(this.#slots === undefined ? 2 * FIRST_SLOTS : 2 * this.#slots.length);
    this.forEach((high, low) => void place(larger, high, low));
    this.#slots = larger;
    this.#list = [];
  }
}

/** Which 32-bit word of a 64-bit element holds its high half on this machine. */
const HIGH_WORD = new Uint32Array(new BigUint64Array([1n]).buffer)[0] === 1 ? 1 : 0;

/** Appends a pair to a short list. Returns false when it is there already. */
function append(list: number[], high: number, low: number): boolean {
  for (let i = 0; i < list.length; i += 2) if (list[i + 1] === low && list[i] === high) return false;
  list.push(high, low);
  return true;
}

/** Insertion sort: the list is short. */
function sortedPairs(list: readonly number[]): number[] {
  const sorted = list.map((word) => word >>> 0);
  for (let i = 2; i < sorted.length; i += 2) {
    const high = sorted[i]!;
    const low = sorted[i + 1]!;
    let at = i;
    for (
      ;
      at > 0 && (sorted[at - 2]! > high || (sorted[at - 2] === high && sorted[at - 1]! > low));
      at -= 2
    ) {
      sorted[at] = sorted[at - 2]!;
      sorted[at + 1] = sorted[at - 1]!;
    }
    sorted[at] = high;
    sorted[at + 1] = low;
  }
  return sorted;
}

/** Puts a pair into the first free slot from its own. Returns false when it is there already. */
function place(slots: Int32Array, high: number, low: number): boolean {
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
