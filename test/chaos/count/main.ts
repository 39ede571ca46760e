import type { Stack } from '../../../infra/embedded/index.js';
import type { Comparison } from '../replay/records.js';
import type { ChaosReport, Fault } from '../report.js';
import { compareRuns, exactFaults, orderFaults } from './compare.js';
import { countLive } from './live.js';
import { CountScene } from './scene.js';

const RULES = { precision: 10, confirmFrames: 20 };
const SHAPE = { frames: 500_000, users: 30_000, bytes: 120, perSecond: 80 };
const FAULTS = { flips: 100, malformed: 80, lateShare: 0.02, lateS: 600 };

/** Kills of slices and merge stage in counts of half a million frames, bounded with 1 slice and with 4, and live: `kills` each. */
export async function countChaos(stack: Stack, seed: number, kills: number): Promise<ChaosReport> {
  const scene = new CountScene(stack.config, 'chaos.frames');
  const liveScene = new CountScene(stack.config, 'chaos.live');
  try {
    const frames = { seed, ...SHAPE, ...FAULTS };
    await scene.fill(frames);
    const calmPlan = await scene.plan({ job: 'calm', ...RULES });
    await scene.countCalmly(calmPlan);
    const calm = await scene.outcome(calmPlan);
    const faults: Fault[] = [];
    const compared: Comparison[] = [];
    for (const slices of [1, 4]) {
      const plan = await scene.plan({ job: `killed.${slices}`, slices, ...RULES });
      faults.push(...(await scene.countUnderKills(plan, kills, seed + slices)));
      compared.push(compareRuns(calm, await scene.outcome(plan)));
    }
    const live = await countLive(liveScene, frames, RULES, kills);
    faults.push(...live.faults);
    compared.push(compareRuns(live.calm, live.outcome));
    const wrong = [
      ...exactFaults(scene.answers, calm, 4.5),
      ...exactFaults(liveScene.answers, live.outcome, 4.5),
      ...orderFaults(live.results),
    ];
    const sum = (name: Exclude<keyof Comparison, 'samples'>): number =>
      compared.reduce((total, one) => total + one[name], 0);
    const [expected, found, lost, doubled] = [sum('expected'), sum('found'), sum('lost'), sum('doubled')];
    const different = sum('different') + wrong.length;
    const ok = expected > 0 && found === expected && lost + doubled + different === 0;
    return { chaos: 'count', seed, faults, expected, found, lost, doubled, different, ok };
  } finally {
    await scene.close();
    await liveScene.close();
  }
}
