import type { Random } from '../../src/generate/random.js';

/** Every kind once in each round, in an order of the seed, without an end. */
export function* rounds<Kind>(random: Random, kinds: readonly Kind[]): Generator<Kind, never> {
  for (;;) {
    const left = [...kinds];
    while (left.length > 0) yield* left.splice(random.int(0, left.length), 1);
  }
}
