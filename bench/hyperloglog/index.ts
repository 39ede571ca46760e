import { hash64 } from '../../src/core/hash64.js';
import { relativeError, UniqueSketch } from '../../src/core/hyperloglog.js';
import { spread, type Benchmark } from '../benchmark.js';

const PRECISIONS = [4, 6, 8, 10, 12, 14, 16, 18] as const;
const MOST = 10_000_000;
/** Looked at in each decade: 1, 2, 5, 10, 20, 50 ... */
const STEPS = [1, 2, 5] as const;

interface Point {
  readonly n: number;
  /** Mean of estimate / n - 1 over the trials. */
  readonly bias: number;
  /** Root of the mean square of the same. */
  readonly error: number;
}

/**
 * Error of the sketch against theory for n from 1 to 10 million, in one thread: every trial hashes other ids, the estimate is
 * taken as n grows. Its rate is that of hashing and adding.
 */
export const benchmark: Benchmark = {
  about: 'error of the sketch against theory for n from 1 to 10,000,000',
  run({ scale, rounds = 16, log }) {
    const rates: number[] = [];
    const simulation = PRECISIONS.map((precision) => {
      const points = new Map<number, number[]>();
      for (let trial = 0; trial < rounds; trial++) {
        rates.push(simulate(precision, trial, Math.round(MOST * scale), points));
      }
      const found = [...points].map(([n, errors]) => pointOf(n, errors));
      const dense = found.filter(({ n }) => n > 2 ** (precision - 3));
      const theory = relativeError(precision);
      const mean = Math.sqrt(dense.reduce((sum, { error }) => sum + error ** 2, 0) / dense.length);
      const bias = dense.reduce((sum, point) => sum + point.bias, 0) / dense.length;
      // The mean of unbiased trials is that far off by chance, one time in 370 more than three times as far.
      const chance = theory / Math.sqrt(rounds);
      const worstBias = Math.max(...dense.map((point) => Math.abs(point.bias) / chance));
      log(
        `precision ${precision}: theory ${percent(theory)}, measured ${percent(mean)}, bias ${percent(bias)}, at worst ${worstBias.toFixed(1)} times what chance makes`,
      );
      return { precision, trials: rounds, theory, error: mean, bias, worstBias, points: found };
    });
    const ours = spread(rates.map(Math.round));
    return Promise.resolve({ bench: 'hyperloglog', unit: 'adds/s', ours, peers: {}, ratios: {}, simulation });
  },
};

/** @returns adds per second. */
function simulate(precision: number, trial: number, most: number, points: Map<number, number[]>): number {
  const sketch = new UniqueSketch(precision);
  const hash = new Uint32Array(4);
  const id = Buffer.alloc(8);
  id.writeUInt32LE(trial, 4);
  let looked = 0;
  let next = 1;
  const startedMs = performance.now();
  for (let n = 1; n <= most; n++) {
    id.writeUInt32LE(n, 0);
    hash64(id, 0, 8, hash);
    sketch.add(hash[0]!, hash[1]!);
    if (n < next) continue;
    const errors = points.get(n) ?? [];
    errors.push(sketch.count / n - 1);
    points.set(n, errors);
    looked += 1;
    next = STEPS[looked % STEPS.length]! * 10 ** Math.floor(looked / STEPS.length);
  }
  return (1_000 * most) / (performance.now() - startedMs);
}

const pointOf = (n: number, errors: readonly number[]): Point => ({
  n,
  bias: errors.reduce((sum, error) => sum + error, 0) / errors.length,
  error: Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length),
});

const percent = (share: number): string => `${(100 * share).toFixed(3)} %`;
