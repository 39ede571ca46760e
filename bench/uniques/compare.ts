import { spread, type BenchReport, type Measured } from '../benchmark.js';
import { run, type Program, type Run } from './programs.js';

export interface Comparison {
  readonly bench: string;
  readonly ours: Program;
  readonly peers: readonly Program[];
  readonly rounds: number;
  readonly users: number;
  /** Programs that do not count: their users are not looked at. */
  readonly ceilings?: readonly string[];
  readonly log: (line: string) => void;
}

/** Ours and the peers in turn, round after round. A program whose users are off by a tenth counts something else. */
export async function compare(comparison: Comparison): Promise<BenchReport> {
  const { bench, ours, peers, rounds, users, ceilings = [], log } = comparison;
  const runs = new Map<string, Run[]>([ours, ...peers].map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const program of [ours, ...peers]) {
      const { name } = program;
      const done = await run(program);
      const isRight = ceilings.includes(name) || Math.abs(done.users / users - 1) < 0.1;
      if (!isRight) throw new Error(`${name} says ${done.users} users of ${users}`);
      const rate = Math.round(done.framesPerSecond);
      log(`${name}: ${rate} frames/s, ${done.cpuMs} ms CPU, ${done.peakRssMb} MB, ${done.users} users`);
      runs.get(name)!.push(done);
    }
  }
  const own = runs.get(ours.name)!;
  const ratios = peers.map(({ name }) => {
    const theirs = runs.get(name)!;
    return [name, spread(own.map((one, i) => one.framesPerSecond / theirs[i]!.framesPerSecond))] as const;
  });
  return {
    bench,
    unit: 'frames/s',
    ours: measured(own),
    peers: Object.fromEntries(peers.map(({ name }) => [name, measured(runs.get(name)!)])),
    ratios: Object.fromEntries(ratios),
    users: Object.fromEntries([...runs].map(([name, all]) => [name, all[0]!.users])),
  };
}

const measured = (runs: readonly Run[]): Measured => ({
  ...spread(runs.map(({ framesPerSecond }) => Math.round(framesPerSecond))),
  cpuPerUnitNs: Math.round(spread(runs.map(({ cpuMs, frames }) => (1e6 * cpuMs) / frames)).median),
  peakRssMb: Math.max(...runs.map(({ peakRssMb }) => peakRssMb)),
});
