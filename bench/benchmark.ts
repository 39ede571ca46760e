import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { packageRoot } from '../src/package-root.js';

/** One benchmark: `bench/<name>.ts` or `bench/<name>/index.ts`, listed in main.ts. */
export interface Benchmark {
  /** One line for people. */
  readonly about: string;
  run(options: BenchOptions): Promise<BenchReport>;
}

export interface BenchOptions {
  /** Of the full size, in (0, 1]; figures worth quoting come from 1. */
  readonly scale: number;
  /** Rounds in which ours and the peers take turns. */
  readonly rounds: number | undefined;
  /** A line of progress for people, on stderr. */
  readonly log: (line: string) => void;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Rates in units a second. */
export interface Measured extends Spread {
  readonly cpuPerUnitNs?: number;
  readonly peakRssMb?: number;
}

/** What every benchmark ends with; machine and commit are added by main.ts. */
export interface BenchReport {
  readonly bench: string;
  /** For example `records/s`. */
  readonly unit: string;
  readonly ours: Measured;
  readonly peers: Readonly<Record<string, Measured>>;
  /** Ours to the peer, round by round. */
  readonly ratios: Readonly<Record<string, Spread>>;
  readonly [more: string]: unknown;
}

/** @throws RangeError without a value. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError('spreading no values');
  return { median: percentile(sorted, 50), min, max };
}

/** Of ascending values, linear between neighbours; `p` in [0, 100]. */
export function percentile(sorted: readonly number[], p: number): number {
  const at = ((sorted.length - 1) * p) / 100;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) throw new RangeError('a percentile of no values');
  return below + (above - below) * (at - Math.floor(at));
}

export const machine = () => ({
  cores: cpus().length,
  cpu: cpus()[0]?.model ?? 'unknown',
  memoryGb: Math.round(totalmem() / 2 ** 30),
  platform: `${process.platform}-${process.arch}`,
  node: process.version,
});

/** The commit measured, `+` when files differ from it; undefined outside a checkout. */
export function commit(): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: packageRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '+');
  } catch {
    return undefined;
  }
}
