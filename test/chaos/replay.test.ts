import assert from 'node:assert/strict';
import { useStack } from '../support/stack.js';
import { replayUnderKills } from './replay/run.js';
import { Scene } from './replay/scene.js';
import { neighbourHangs, ZOMBIE_POINTS, zombieWakesUp, zombieWakesUpLast } from './replay/zombies.js';

/** Another seed by `TIDEMARK_SEED`; a failure says which one it was. */
const SEED = Number(process.env.TIDEMARK_SEED ?? 20261121);

describe(`chaos: replaying A to B (seed ${String(SEED)})`, function () {
  this.timeout(300_000);
  this.slow(120_000);
  const stack = useStack(['kafka'], { own: true });

  async function scene(name: string, records: number): Promise<Scene> {
    const created = new Scene(name, stack().config.kafka, SEED, records);
    await created.prepare();
    return created;
  }

  async function isExact(of: Scene): Promise<void> {
    const { expected, found, ...faults } = await of.compare();
    assert.deepEqual({ found, ...faults }, { found: expected, lost: 0, doubled: 0, different: 0 });
    assert.ok(expected > 0);
  }

  it('is exact after 10 SIGKILLs of worker and broker in the middle', async () => {
    const { faults, comparison, slowestRecoveryMs } = await replayUnderKills(
      await scene('kills', 1_000_000),
      10,
      stack(),
    );
    const { expected, ...found } = comparison;
    assert.equal(faults.length, 10);
    assert.deepEqual(found, { found: expected, lost: 0, doubled: 0, different: 0 }, JSON.stringify(faults));
    assert.ok(slowestRecoveryMs < 10_000, `back at work after ${String(slowestRecoveryMs)} ms`);
  });

  for (const point of ZOMBIE_POINTS) {
    it(`is not changed by an owner that stalled before ${point} and woke up`, async () => {
      const one = await scene(`zombie.${point}`, 100_000);
      await zombieWakesUp(one, point);
      await isExact(one);
    });
  }

  it('is not changed by an owner that wakes up when all is done', async () => {
    const one = await scene('zombie.last', 100_000);
    await zombieWakesUpLast(one);
    await isExact(one);
  });

  it("is not changed by a neighbour's transaction that hangs in the same checkpoint partition", async () => {
    const one = await scene('neighbour', 100_000);
    await neighbourHangs(one);
    await isExact(one);
  });
});
