import { HashSet64 } from './hash-set64.js';

/** Standard error of one estimate is this over the square root of the number of registers: sqrt(3 ln 2 - 1) (Ertl 2017, section 4). */
const ERROR_CONSTANT = Math.sqrt(3 * Math.LN2 - 1);
const ALPHA_INFINITY = 1 / (2 * Math.LN2);

/** Fewer registers than 2^4 have no useful error; more than 2^18 (256 kB a window) are dearer than exact counting here. */
export const MIN_PRECISION = 4;
export const MAX_PRECISION = 18;
/** 16,384 registers: 16 kB in memory, 12 kB stored, relative standard error 0.81 %. */
export const DEFAULT_PRECISION = 14;

/** Relative standard error of an estimate from `2^precision` registers. */
export const relativeError = (precision: number): number => ERROR_CONSTANT / Math.sqrt(2 ** precision);

/** Distinct hashes a sketch keeps exactly: eight bytes each make the table at most as large as the registers would be. */
export const exactLimit = (precision: number): number => 2 ** (precision - 3);

/**
 * Counts distinct 64-bit hashes: exactly while there are at most `exactLimit` of them, then with HyperLogLog registers
 * (Flajolet et al. 2007; 64-bit hash as in Heule et al. 2013; estimator of Ertl 2017, which needs no bias table and no
 * switch between ranges). The state is a function of the *set* of hashes alone: any order, repetition or division
 * into parts that are merged gives the same.
 */
export class UniqueSketch {
  readonly precision: number;
  #exact: HashSet64 | undefined = new HashSet64();
  #registers: Uint8Array | undefined;
  readonly #limit: number;

  constructor(precision: number = DEFAULT_PRECISION) {
    if (!Number.isInteger(precision) || precision < MIN_PRECISION || precision > MAX_PRECISION) {
      throw new RangeError(`precision ${precision} is not in [${MIN_PRECISION}, ${MAX_PRECISION}]`);
    }
    this.precision = precision;
    this.#limit = exactLimit(precision);
  }

  /** The register values, one byte each, once there are too many hashes to keep. */
  get registers(): Uint8Array | undefined {
    return this.#registers;
  }

  /** The hashes while they are kept. */
  get hashes(): HashSet64 | undefined {
    return this.#exact;
  }

  /** Adds a hash given as two halves, signed or not; 0 counts as 1, which a set can keep. Returns whether the state changed. */
  add(high: number, low: number): boolean {
    const kept = (high | low) === 0 ? 1 : low;
    const registers = this.#registers;
    if (registers !== undefined) return raise(registers, this.precision, high, kept);
    const exact = this.#exact!;
    if (!exact.add(high, kept)) return false;
    if (exact.size > this.#limit) this.#toDense();
    return true;
  }

  /** Makes this the sketch of the union of both. @throws RangeError when the precisions differ. */
  merge(other: UniqueSketch): void {
    if (other.precision !== this.precision) {
      throw new RangeError(`merging precision ${other.precision} into ${this.precision}`);
    }
    if (other.#registers === undefined) {
      other.#exact!.forEach((high, low) => void this.add(high, low));
      return;
    }
    if (this.#registers === undefined) this.#toDense();
    const mine = this.#registers!;
    const theirs = other.#registers;
    for (let i = 0; i < mine.length; i++) if (theirs[i]! > mine[i]!) mine[i] = theirs[i]!;
  }

  /** Replaces the state. For decoding only: the caller vouches for it. */
  load(state: { hashes: HashSet64 } | { registers: Uint8Array }): void {
    this.#exact = 'hashes' in state ? state.hashes : undefined;
    this.#registers = 'registers' in state ? state.registers : undefined;
  }

  /** Number of distinct hashes: a whole number, exact when `error` is 0. */
  get count(): number {
    return this.#exact === undefined
      ? Math.round(estimate(this.#registers!, this.precision))
      : this.#exact.size;
  }

  /** Relative standard error of `count`; 0 while it is exact. */
  get error(): number {
    return this.#exact === undefined ? relativeError(this.precision) : 0;
  }

  #toDense(): void {
    const registers = new Uint8Array(2 ** this.precision);
    this.#exact!.forEach((high, low) => void raise(registers, this.precision, high, low));
    this.#registers = registers;
    this.#exact = undefined;
  }
}

/** Index: the first `precision` bits. Value: position of the first 1 in the rest, counted from 1; one more than its length if there is none. */
function raise(registers: Uint8Array, precision: number, high: number, low: number): boolean {
  const index = high >>> (32 - precision);
  const first = (high << precision) | (low >>> (32 - precision));
  const value =
    first !== 0 ? Math.clz32(first) + 1 : Math.min(33 + Math.clz32(low << precision), 65 - precision);
  if (registers[index]! >= value) return false;
  registers[index] = value;
  return true;
}

/**
 * Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6: the improved raw
 * estimator, from 0 to far beyond 2^50 distinct hashes. The reciprocal of `z`, which is unbiased, is too high by its relative variance,
 * the square of the standard error: 7 % at precision 4, 0.007 % at 14. So alpha is that of so many registers (Flajolet et al. 2007,
 * fig. 3: 0.7213 / (1 + 1.079 / m)) and not its limit, which Ertl takes. What is left is below a tenth of the standard error.
 */
function estimate(registers: Uint8Array, precision: number): number {
  const m = 2 ** precision;
  const q = 64 - precision;
  const histogram = histogramOf(registers, q + 2);
  let z = m * tau(1 - histogram[q + 1]! / m);
  for (let k = q; k >= 1; k--) z = 0.5 * (z + histogram[k]!);
  z += m * sigma(histogram[0]! / m);
  const alpha = ALPHA_INFINITY / (1 + relativeError(precision) ** 2);
  return (alpha * m * m) / z;
}

/**
 * How many registers have each value. A function of its own: compiled in the middle of this loop, `estimate` would know nothing of what
 * follows and be thrown away at the end, every time.
 */
function histogramOf(registers: Uint8Array, values: number): Uint32Array {
  const histogram = new Uint32Array(values);
  for (let i = 0; i < registers.length; i++) histogram[registers[i]!]!++;
  return histogram;
}

/** Ertl 2017, eq. 15: x + sum over k of x^(2^k) 2^(k-1), the share of registers still zero. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let x = share;
  let y = 1;
  let z = x;
  for (let before = -1; z !== before;) {
    before = z;
    x *= x;
    z += x * y;
    y += y;
  }
  return z;
}

/** Ertl 2017, eq. 19: the share of registers at their largest value. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let y = 1;
  let z = 1 - x;
  for (let before = -1; z !== before;) {
    before = z;
    x = Math.sqrt(x);
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
