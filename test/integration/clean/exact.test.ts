import assert from 'node:assert/strict';
import { exactFaults } from '../../chaos/clean/exact.js';
import { CleanScene } from '../../chaos/clean/scene.js';
import { useStack } from '../../support/stack.js';

describe('cleaning logins, against the exact answer', function () {
  this.timeout(300_000);
  this.slow(60_000);
  const stack = useStack(['kafka']);
  let scene: CleanScene;

  before(async () => {
    scene = new CleanScene(stack().config, 'exact.logins');
    await scene.fill({ seed: 7, messages: 60_000, rate: 60 });
  });
  after(() => scene?.close());

  for (const slices of [1, 3]) {
    it(`agrees in every number with ${slices} slice(s)`, async () => {
      const plan = await scene.plan({ job: `exact.${slices}`, slices });
      const counts = await scene.cleanCalmly(plan);
      const outcome = await scene.outcome(plan);
      assert.deepEqual(exactFaults(scene.answers, outcome), []);
      assert.ok(outcome.clean.length > 50_000 && outcome.dead.length > 1_000 && outcome.alerts.size > 5);
      const { overflowUsers, overflowDevices, overflowValues, afterClose, lateForAlerts } = counts;
      assert.deepEqual(
        [overflowUsers, overflowDevices, overflowValues, afterClose, lateForAlerts],
        [0, 0, 0, 0, 0],
      );
    });
  }
});
