import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** A sequence of choices that depends on nothing but its seed. */
export class Random {
  readonly #source: RandomGenerator;

  private constructor(source: RandomGenerator) {
    this.#source = source;
  }

  /** The sequence that belongs to these whole numbers: the same parts, the same choices, on any machine. */
  static of(...parts: readonly number[]): Random {
    const source = xoroshiro128plus(parts.reduce(mix, 0x9e3779b9));
    // The first outputs of xoroshiro128+ still show the seed's bits: neighbours would look alike.
    for (let warmUp = 0; warmUp < 8; warmUp++) source.next();
    return new Random(source);
  }

  /** A whole number of `[from, to)`. */
  int(from: number, to: number): number {
    return uniformInt(this.#source, from, to - 1);
  }

  /** A number of `[0, 1)` in steps of 2^-32. */
  fraction(): number {
    return (this.#source.next() >>> 0) / 0x1_0000_0000;
  }

  chance(share: number): boolean {
    return this.fraction() < share;
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.int(0, choices.length)];
    if (chosen === undefined) throw new RangeError('picking one of nothing');
    return chosen;
  }
}

/** Folds one more number into a 32-bit seed, with the finalizer of MurmurHash3 (Appleby) to spread every bit. */
function mix(seed: number, part: number): number {
  const high = Math.floor(part / 0x1_0000_0000);
  return spread(Math.imul(spread(seed ^ (part >>> 0)), 31) ^ high);
}

/** Another 32-bit number for each one: neighbours go far apart, and no two meet. */
export function spread(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
