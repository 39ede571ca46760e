import assert from 'node:assert/strict';
import { useStack } from '../support/stack.js';
import { compareRuns, exactFaults, orderFaults } from './count/compare.js';
import { countLive } from './count/live.js';
import { CountScene, type CountOutcome } from './count/scene.js';

/** Another seed by `TIDEMARK_SEED`; a failure says which one it was. */
const SEED = Number(process.env.TIDEMARK_SEED ?? 20261121);
/** Small precision: windows are dense soon, so that both states are met. */
const RULES = { precision: 10, confirmFrames: 20 };
const FAULTS = { flips: 40, malformed: 30, lateShare: 0.02, lateS: 600 };
const SHAPE = { users: 9_000, bytes: 120, perSecond: 80, ...FAULTS };

describe(`chaos: counting unique users (seed ${SEED})`, function () {
  this.timeout(300_000);
  this.slow(120_000);
  const stack = useStack(['kafka']);
  let scene: CountScene;
  let calm: CountOutcome;

  before(async function () {
    scene = new CountScene(stack().config, 'chaos.frames');
    await scene.fill({ ...SHAPE, seed: SEED, frames: 150_000 });
    const plan = await scene.plan({ job: 'calm', ...RULES });
    await scene.countCalmly(plan);
    calm = await scene.outcome(plan);
  });
  after(() => scene?.close());

  it('is right undisturbed, by the exact answer', () => {
    assert.deepEqual(exactFaults(scene.answers, calm, 4.5), []);
    assert.deepEqual([...calm.sketches.keys()], [...calm.results.keys()]);
    assert.equal(calm.quarantined.length, FAULTS.flips + FAULTS.malformed);
  });

  for (const slices of [1, 4]) {
    it(`gives the same results and the same sketches, byte by byte, after 5 SIGKILLs with ${slices} slice(s)`, async () => {
      const plan = await scene.plan({ job: `killed.${slices}`, slices, ...RULES });
      const faults = await scene.countUnderKills(plan, 5, SEED + slices);
      const outcome = await scene.outcome(plan);
      const { expected, ...found } = compareRuns(calm, outcome);
      assert.deepEqual(found, { found: expected, lost: 0, doubled: 0, different: 0 }, JSON.stringify(faults));
      assert.deepEqual(outcome.quarantined, calm.quarantined);
      assert.ok(expected > 50);
    });
  }

  it('gives the same of frames that come while a live count is killed 6 times, one result after the other', async () => {
    const live = new CountScene(stack().config, 'chaos.live');
    try {
      const frames = { ...SHAPE, seed: SEED, frames: 60_000 };
      const { faults, outcome, calm: bounded, results } = await countLive(live, frames, RULES, 6);
      assert.deepEqual([faults.length, new Set(faults.map(({ target }) => target)).size], [6, 3]);
      assert.deepEqual(exactFaults(live.answers, outcome, 4.5), [], JSON.stringify(faults));
      const { expected, ...found } = compareRuns(bounded, outcome);
      assert.deepEqual(found, { found: expected, lost: 0, doubled: 0, different: 0 }, JSON.stringify(faults));
      assert.ok(expected > 50);
      assert.deepEqual(orderFaults(results), []);
      assert.deepEqual(
        new Set(results.map(({ status }) => status)),
        new Set(['provisional', 'final', 'revised']),
      );
    } finally {
      await live.close();
    }
  });
});
