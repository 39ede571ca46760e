import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { CountInput } from '../../../src/messages.js';
import type { ExactCount } from '../../../src/generate/frames-answer.js';
import { exactFaults } from '../../chaos/count/compare.js';
import { CountScene } from '../../chaos/count/scene.js';
import { useStack } from '../../support/stack.js';

describe('the range of a count', function () {
  this.timeout(120_000);
  this.slow(20_000);
  const stack = useStack(['kafka']);
  let scene: CountScene;
  /** Between the records of the first frames and those of the second ones. */
  let betweenMs: number;
  let first: readonly ExactCount[];
  let second: readonly ExactCount[];

  before(async () => {
    scene = new CountScene(stack().config, 'ranged.frames');
    await scene.fill({ frames: 4_000, users: 300, bytes: 60, perSecond: 20 });
    first = [...scene.answers];
    betweenMs = Date.now() + 1;
    while (Date.now() < betweenMs) await delay(1);
    // Of another year, so that no window is of both.
    await scene.fill({ seed: 2, frames: 2_000, users: 300, bytes: 60, perSecond: 20, fromS: 1_600_000_000 });
    second = scene.answers.slice(first.length);
  });
  after(() => scene?.close());

  const table: [job: string, range: () => Partial<CountInput>, counted: () => readonly ExactCount[]][] = [
    ['to-between', () => ({ to: betweenMs }), () => first],
    ['from-between', () => ({ from: betweenMs, bounded: true }), () => second],
    ['to-later', () => ({ to: Date.now() + 3_600_000 }), () => scene.answers],
    ['between-and-later', () => ({ from: betweenMs, to: Date.now() + 3_600_000 }), () => second],
    ['to-before', () => ({ to: 1_000 }), () => []],
  ];
  for (const [job, range, counted] of table) {
    it(`is what the records' own times say: ${job}`, async () => {
      const plan = await scene.plan({ bounded: false, ...range(), job, confirmFrames: 20 });
      assert.ok(plan.slices.every(({ ranges }) => ranges.every(({ endOffset }) => endOffset !== null)));
      await scene.countCalmly(plan);
      assert.deepEqual(exactFaults(counted(), await scene.outcome(plan), 4.5), []);
    });
  }

  it('must have something in it', async () => {
    for (const range of [
      { from: 2_000, to: 2_000 },
      { from: 'end', to: 2_000 },
    ] as const) {
      await assert.rejects(scene.plan({ job: 'nothing', ...range }), {
        code: 'BAD_COUNT',
        message: /no time before/,
      });
    }
  });
});
