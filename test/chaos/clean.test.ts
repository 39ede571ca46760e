import assert from 'node:assert/strict';
import { useStack } from '../support/stack.js';
import { exactFaults, runFaults } from './clean/exact.js';
import { CleanScene, type CleanOutcome } from './clean/scene.js';

/** Another seed by `TIDEMARK_SEED`; a failure says which one it was. */
const SEED = Number(process.env.TIDEMARK_SEED ?? 20261121);

describe(`chaos: cleaning logins (seed ${SEED})`, function () {
  this.timeout(300_000);
  this.slow(120_000);
  const stack = useStack(['kafka']);
  let scene: CleanScene;
  let calm: CleanOutcome;

  before(async function () {
    scene = new CleanScene(stack().config, 'chaos.logins');
    await scene.fill({ seed: SEED, messages: 60_000, rate: 60 });
    const plan = await scene.plan({ job: 'calm' });
    await scene.cleanCalmly(plan);
    calm = await scene.outcome(plan);
  });
  after(() => scene?.close());

  it('is right undisturbed, by the exact answer', () => {
    assert.deepEqual(exactFaults(scene.answers, calm), []);
    assert.ok(calm.dead.length > 1_000 && calm.alerts.size > 5);
  });

  for (const slices of [1, 4]) {
    it(`is as exact after 5 SIGKILLs with ${slices} slice(s)`, async () => {
      const plan = await scene.plan({ job: `killed.${slices}`, slices });
      const faults = await scene.cleanUnderKills(plan, 5, SEED + slices);
      const outcome = await scene.outcome(plan);
      const found = [...exactFaults(scene.answers, outcome), ...runFaults(calm, outcome)];
      assert.deepEqual(found, [], JSON.stringify(faults));
    });
  }
});
