import assert from 'node:assert/strict';
import { COUNT_SCENARIOS, playCount } from '../../support/count-scenarios.js';
import { serverInRealTime, usePlay } from '../../support/workflow-server.js';

/** The decisions of the workflow alone; the activities are fakes. */
describe('workflow countUniqueUsers', function () {
  this.timeout(60_000);
  const playing = usePlay(serverInRealTime, playCount);

  it('plans, counts lap by lap beside a merge that follows, freezes, merges to the ends and records', async () => {
    const { result, fakes, progress } = await playing(COUNT_SCENARIOS.counted);
    assert.deepEqual(fakes.asked, [
      'planCount',
      'countSlice',
      'countSlice',
      'freezePartials',
      'mergeCount',
      'recordCount',
    ]);
    assert.deepEqual(
      fakes.merged.map(({ ends }) => ends),
      [null, ['10']],
    );
    assert.deepEqual([result?.outcome, result?.counts.read, result?.reused], ['finished', 1_000, false]);
    assert.deepEqual(progress.reports.map(({ part, finished }) => [part, finished]).sort(), [
      [0, true],
      ['merge', true],
    ]);
  });

  it('freezes once every slice is done, and merges for as many laps as it takes', async () => {
    const { result, fakes } = await playing(COUNT_SCENARIOS.slices);
    assert.deepEqual(fakes.asked.slice(0, 7).sort(), [...Array<string>(6).fill('countSlice'), 'planCount']);
    assert.deepEqual(fakes.asked.slice(7), ['freezePartials', 'mergeCount', 'mergeCount', 'recordCount']);
    assert.deepEqual(fakes.merged.at(-1)?.ends, ['10', '11', '12']);
    assert.equal(result?.counts.read, 3_000);
  });

  it('answers with the record of an earlier run', async () => {
    const { result, fakes } = await playing(COUNT_SCENARIOS.recorded);
    assert.deepEqual([result?.reused, result?.counts, fakes.asked], [true, { read: 7 }, ['planCount']]);
  });

  it('ends where planning is refused, with its code', async () => {
    const { ended, message } = await playing(COUNT_SCENARIOS.refused);
    assert.equal(ended, 'TOPIC_MISSING');
    assert.match(message, /no such topic/);
  });

  it('tries a failed lap again', async () => {
    const { result, fakes } = await playing(COUNT_SCENARIOS.lapFails);
    assert.equal(result?.outcome, 'finished');
    assert.equal(fakes.asked.filter((name) => name === 'countSlice').length, 4);
  });

  it('stops between two commits when told to, and records nothing: a start goes on', async () => {
    const { result, fakes } = await playing(COUNT_SCENARIOS.stopped);
    assert.deepEqual([result?.outcome, result?.codeVersion], ['stopped', null]);
    assert.deepEqual(fakes.recorded, []);
  });

  it('is cancelled after its laps have ended', async () => {
    const { ended, fakes } = await playing(COUNT_SCENARIOS.cancelled);
    assert.equal(ended, 'cancelled');
    assert.deepEqual(fakes.recorded, []);
  });

  it('tells of gaps in its result', async () => {
    const { result, fakes } = await playing(COUNT_SCENARIOS.gap);
    assert.deepEqual(result?.gaps, fakes.gaps);
  });
});
