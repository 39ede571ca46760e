import type { Stack } from '../../../infra/embedded/index.js';
import type { ChaosReport, Fault } from '../report.js';
import { exactFaults, runFaults } from './exact.js';
import { CleanScene } from './scene.js';

const MESSAGES = 1_000_000;
/** All that log in within an alert window are followed, so that every alert is exact. */
const ENTRIES = 500_000;

/** Kills of slices and merge stage while a million logins of 4 partitions are cleaned, with 1 slice and with 4: `kills` each. */
export async function cleanChaos(stack: Stack, seed: number, kills: number): Promise<ChaosReport> {
  const scene = new CleanScene(stack.config, 'chaos.logins');
  try {
    await scene.fill({ seed, messages: MESSAGES, rate: 1_000 });
    const calmPlan = await scene.plan({ job: 'calm', entries: ENTRIES });
    await scene.cleanCalmly(calmPlan);
    const calm = await scene.outcome(calmPlan);
    const found: string[] = exactFaults(scene.answers, calm);
    const faults: Fault[] = [];
    const total = { expected: 0, found: 0, lost: 0, doubled: 0 };
    for (const slices of [1, 4]) {
      const plan = await scene.plan({ job: `killed.${slices}`, slices, entries: ENTRIES });
      faults.push(...(await scene.cleanUnderKills(plan, kills, seed + slices)));
      const outcome = await scene.outcome(plan);
      const [expected, records] = [calm, outcome].map(({ clean, dead }) => [...clean, ...dead]);
      const distinct = new Set(records);
      total.expected += expected!.length;
      total.found += distinct.size;
      total.lost += expected!.filter((record) => !distinct.has(record)).length;
      total.doubled += records!.length - distinct.size;
      found.push(...exactFaults(scene.answers, outcome), ...runFaults(calm, outcome));
    }
    for (const fault of found.slice(0, 20)) process.stderr.write(`${fault}\n`);
    const ok = total.expected > MESSAGES && total.lost + total.doubled + found.length === 0;
    return { chaos: 'clean', seed, faults, ...total, different: found.length, ok };
  } finally {
    await scene.close();
  }
}
