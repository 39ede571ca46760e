import assert from 'node:assert/strict';
import { countSliceLap } from '../../../src/stream/count/lap.js';
import { listDeadLetters, showDeadLetter } from '../../../src/stream/dead-letters/look.js';
import { loginRemedy } from '../../../src/core/logins/remedy.js';
import { CountScene } from '../../chaos/count/scene.js';
import { useStack } from '../../support/stack.js';
import { decided } from '../../support/topic-records.js';

/** Of the usual `max.message.bytes`, 1,048,588, the rest is what a batch and a record take beside a value. */
const LARGEST_RECORD = 1_048_500;

describe('the quarantine of a count', function () {
  this.timeout(120_000);
  this.slow(20_000);
  const stack = useStack(['kafka']);

  it('is a topic of dead letters: listed by reason, each with the frame’s bytes and place', async () => {
    const scene = new CountScene(stack().config, 'quarantined.frames');
    try {
      await scene.fill({ frames: 4_000, users: 200, bytes: 60, malformed: 25, flips: 15 });
      const plan = await scene.plan({ job: 'quarantined' });
      for (const { index } of plan.slices) await countSliceLap(scene.lapDeps, plan, index);
      await decided(scene.connection, plan.quarantine.topic);

      const { letters, foreign, groups } = await listDeadLetters(scene.connection, plan.quarantine.topic);
      assert.deepEqual({ letters, foreign }, { letters: 40, foreign: 0 });
      const unreadable = groups.filter(({ stage }) => stage !== 'late' && stage !== 'validate');
      assert.ok(unreadable.length > 0);
      for (const { source, job } of groups) assert.deepEqual([source, job], [scene.topic, 'quarantined']);
      const [partition = 0, offset = 0] = unreadable[0]!.samples[0]!.split(':').map(Number);
      const at = { topic: plan.quarantine.topic, partition, offset };
      const shown = await showDeadLetter(scene.connection, at, loginRemedy());
      const frames: string[] = [];
      await scene.each(scene.topic, (cursor, of) => {
        if (of === shown.source.partition && String(cursor.offset) === shown.source.offset)
          frames.push(cursor.value()!.toString());
      });
      assert.deepEqual([shown.value], [{ text: frames[0] }]);
    } finally {
      await scene.close();
    }
  });

  it('takes a frame as large as its topic takes, with our headers', async () => {
    const scene = new CountScene(stack().config, 'large.frames');
    try {
      await scene.fill({ frames: 1_000, users: 50, bytes: 60 });
      await scene.writeText('x'.repeat(LARGEST_RECORD));
      const plan = await scene.plan({ job: 'large', confirmFrames: 10 });
      await scene.countCalmly(plan);
      assert.equal((await scene.outcome(plan)).quarantined.length, 1);
    } finally {
      await scene.close();
    }
  });

  it('holds states of several fields at the highest precision, each up to 2^18 bytes', async () => {
    const scene = new CountScene(stack().config, 'wide.frames');
    try {
      await scene.fill({ frames: 0 });
      const idFields = ['a', 'b', 'c', 'd', 'e'];
      const frame = (user: number): object => ({
        ts: 1_468_244_340,
        ...Object.fromEntries(idFields.map((field) => [field, user])),
      });
      await scene.write(Array.from({ length: 32_000 }, (_, user) => frame(user)));
      const plan = await scene.plan({ job: 'wide', idFields, precision: 18 });
      await scene.countCalmly(plan);
      const { newest } = await scene.outcome(plan);
      assert.deepEqual(
        idFields.map((field) => newest.get(`year/2016-01-01T00:00:00Z/${field}`)?.users),
        Array<number>(5).fill(32_000),
      );
    } finally {
      await scene.close();
    }
  });

  it('is refused before the count begins where it could not take every frame, by the name of the setting', async () => {
    const scene = new CountScene(stack().config, 'narrow.frames');
    try {
      await scene.fill({ frames: 0 });
      await scene.make('narrow.frames.quarantine', { 'max.message.bytes': '1048588' });
      await assert.rejects(scene.plan({ job: 'narrow' }), {
        code: 'BAD_COUNT',
        message: /narrow\.frames\.quarantine must take records of 1052684 bytes \(max\.message\.bytes\)/,
      });
    } finally {
      await scene.close();
    }
  });
});
