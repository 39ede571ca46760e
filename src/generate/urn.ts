import type { Random } from './random.js';

/**
 * Draws kinds of operations without putting them back: over a whole run every kind comes up exactly as often as
 * planned, in an order that chance decides. An endless urn puts every kind back, so the counts are weights.
 */
export class Urn<Kind extends string> {
  readonly #kinds: readonly Kind[];
  readonly #left: number[];
  readonly #endless: boolean;

  constructor(planned: Readonly<Record<Kind, number>>, options: { endless: boolean }) {
    this.#kinds = Object.keys(planned) as Kind[];
    this.#left = this.#kinds.map((kind) => planned[kind]);
    this.#endless = options.endless;
  }

  /** One of the kinds that are possible now, or undefined when none that is left can happen any more. */
  draw(random: Random, isPossible: (kind: Kind) => boolean): Kind | undefined {
    const weights = this.#kinds.map((kind, index) => (isPossible(kind) ? (this.#left[index] ?? 0) : 0));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let ticket = random.fraction() * total;
    const drawn = weights.findIndex((weight) => (ticket -= weight) < 0);
    if (drawn >= 0 && !this.#endless) this.#left[drawn] = (this.#left[drawn] ?? 0) - 1;
    return this.#kinds[drawn];
  }
}

/** A set of ordinals with a uniform draw and removal in constant time. */
export class Pool {
  readonly #members: number[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(ordinal: number): void {
    this.#members.push(ordinal);
  }

  pick(random: Random): number {
    return random.pick(this.#members);
  }

  take(random: Random): number {
    const index = random.int(0, this.#members.length);
    const taken = this.#members[index];
    const last = this.#members.pop();
    if (taken === undefined || last === undefined) throw new RangeError('taking one of nothing');
    if (index < this.#members.length) this.#members[index] = last;
    return taken;
  }
}
