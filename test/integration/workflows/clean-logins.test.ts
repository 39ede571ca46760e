import assert from 'node:assert/strict';
import { CLEAN_SCENARIOS, playClean } from '../../support/clean-scenarios.js';
import { serverInRealTime, usePlay } from '../../support/workflow-server.js';

/** The decisions of the workflow alone; the activities are fakes. */
describe('workflow cleanLogins', function () {
  this.timeout(60_000);
  const playing = usePlay(serverInRealTime, playClean);

  it('plans, cleans lap by lap beside a merge that follows, freezes, merges to the ends and records', async () => {
    const { result, fakes, progress } = await playing(CLEAN_SCENARIOS.cleaned);
    assert.deepEqual(fakes.asked, [
      'planClean',
      ...Array<string>(4).fill('cleanSlice'),
      'freezeCleanPartials',
      'mergeClean',
      'recordClean',
    ]);
    assert.deepEqual(fakes.ends, [null, ['10', '11']]);
    const counts = {
      '0/read': 1_000,
      '0/clean': 900,
      '1/read': 1_000,
      '1/clean': 900,
      logins: 900,
      results: 6,
    };
    assert.deepEqual([result?.outcome, result?.counts], ['finished', counts]);
    assert.deepEqual(progress.reports.map(({ part, finished }) => [part, finished]).sort(), [
      [0, true],
      [1, true],
      ['merge', true],
    ]);
  });

  it('ends where planning is refused, with its code', async () => {
    const { ended, message } = await playing(CLEAN_SCENARIOS.refused);
    assert.equal(ended, 'TOPIC_MISSING');
    assert.match(message, /no such topic/);
  });

  it('fails when a slice finds its identity broken', async () => {
    const { ended, message, fakes } = await playing(CLEAN_SCENARIOS.broken);
    assert.equal(ended, 'IDENTITY_BROKEN');
    assert.match(message, /3 read, 1 clean/);
    assert.deepEqual(fakes.recorded, []);
  });

  it('stops between two commits when told to, and records nothing: a start goes on', async () => {
    const { result, fakes } = await playing(CLEAN_SCENARIOS.stopped);
    assert.deepEqual([result?.outcome, result?.codeVersion], ['stopped', null]);
    assert.deepEqual(fakes.recorded, []);
  });
});
