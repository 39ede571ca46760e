import type { Stack } from '../../../infra/embedded/index.js';
import type { ChaosReport } from '../report.js';
import { replayUnderKills } from './run.js';
import { Scene } from './scene.js';

/** Kills of worker and broker in a replay of a million records. */
export async function replayChaos(stack: Stack, seed: number, kills: number): Promise<ChaosReport> {
  const scene = new Scene('chaos', stack.config.kafka, seed, 1_000_000);
  await scene.prepare();
  const { faults, comparison } = await replayUnderKills(scene, kills, stack, (fault) => {
    process.stderr.write(`${JSON.stringify(fault)}\n`);
  });
  const { expected, found, lost, doubled, different } = comparison;
  const ok = expected > 0 && found === expected && lost + doubled + different === 0;
  return { chaos: 'replay', seed, faults, ...comparison, ok };
}
