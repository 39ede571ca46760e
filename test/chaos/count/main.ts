import type { Stack } from '../../../infra/embedded/index.js';
import type { ChaosReport, Fault } from '../report.js';
import { compareRuns, exactFaults } from './compare.js';
import { CountScene } from './scene.js';

const RULES = { precision: 10, confirmFrames: 20 };

/** Kills of slices and merge stage in counts of half a million frames, with 1 slice and with 4: `kills` each. */
export async function countChaos(stack: Stack, seed: number, kills: number): Promise<ChaosReport> {
  const scene = new CountScene(stack.config, 'chaos.frames');
  try {
    const shape = { frames: 500_000, users: 30_000, bytes: 120, perSecond: 80 };
    await scene.fill({ seed, ...shape, flips: 100, malformed: 80, lateShare: 0.02, lateS: 600 });
    const calmPlan = await scene.plan({ job: 'calm', ...RULES });
    await scene.countCalmly(calmPlan);
    const calm = await scene.outcome(calmPlan);
    const total = {
      expected: 0,
      found: 0,
      lost: 0,
      doubled: 0,
      different: exactFaults(scene.answers, calm, 4.5).length,
    };
    const faults: Fault[] = [];
    for (const slices of [1, 4]) {
      const plan = await scene.plan({ job: `killed.${slices}`, slices, ...RULES });
      faults.push(...(await scene.countUnderKills(plan, kills, seed + slices)));
      const outcome = await scene.outcome(plan);
      const one = compareRuns(calm, outcome);
      total.expected += one.expected;
      total.found += one.found;
      total.lost += one.lost;
      total.doubled += one.doubled;
      total.different += one.different;
    }
    const ok =
      total.expected > 0 &&
      total.found === total.expected &&
      total.lost + total.doubled + total.different === 0;
    return { chaos: 'count', seed, faults, ...total, ok };
  } finally {
    await scene.close();
  }
}
