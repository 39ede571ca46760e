import assert from 'node:assert/strict';
import { countSliceLap } from '../../../src/stream/count/lap.js';
import { listDeadLetters, showDeadLetter } from '../../../src/stream/dead-letters/look.js';
import { loginRemedy } from '../../../src/core/logins/remedy.js';
import { CountScene } from '../../chaos/count/scene.js';
import { useStack } from '../../support/stack.js';
import { decided } from '../../support/topic-records.js';

describe('the quarantine of a count', function () {
  this.timeout(60_000);
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
});
