import type { ServiceName, Stack } from '../../../infra/embedded/index.js';
import { Random } from '../../../src/generate/random.js';
import type { ChaosReport, Fault } from '../report.js';
import { rounds } from '../rounds.js';
import { GOLD_FAULTS } from './faults.js';
import { GoldScene } from './scene.js';

/** Without a worker: the scene has its own, which it may stop. */
export const GOLD_CHAOS_SERVICES: readonly ServiceName[] = [
  'kafka',
  'connect',
  'postgres',
  'mongo',
  'clickhouse',
  'temporal',
];

interface GoldFaultReport extends Fault {
  /** What was seen that shows where the fault hit; empty when it missed. */
  readonly proof: string;
  /** What was not as it must be after the run. */
  readonly remains: readonly string[];
}

export interface GoldChaosReport extends ChaosReport {
  readonly faults: readonly GoldFaultReport[];
}

/**
 * Computes a big day again and again, each time with late events and with a fault in the middle. After each run gold must
 * be the exact answer, and nothing else may be left of the attempts that were cut off. Needs a provisioned stack.
 */
export async function goldChaos(stack: Stack, seed: number, faults: number): Promise<GoldChaosReport> {
  const random = Random.of(seed, 0);
  const scene = new GoldScene(stack);
  const startMs = Date.now();
  const done: GoldFaultReport[] = [];
  const sums = { expected: 0, found: 0, lost: 0, doubled: 0, different: 0 };
  try {
    await scene.prepare();
    const sequence = rounds(random, GOLD_FAULTS);
    while (done.length < faults) {
      const fault = sequence.next().value;
      const { target, action, run, proof } = await fault(scene, random);
      const remains = await scene.remains(run);
      const comparison = await scene.compare();
      sums.expected += comparison.expectedRows;
      sums.found += comparison.actualRows;
      sums.lost += comparison.missing.count;
      sums.doubled += comparison.doubled.count + comparison.extra.count;
      sums.different += comparison.different.count;
      done.push({ atMs: Date.now() - startMs, target, action, proof, remains });
    }
  } finally {
    await scene.close();
  }
  const exact = sums.lost + sums.doubled + sums.different === 0 && sums.expected > 0;
  const landed = done.every(({ proof, remains }) => proof !== '' && remains.length === 0);
  return { chaos: 'gold', seed, faults: done, ...sums, ok: exact && landed };
}
