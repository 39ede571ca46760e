import assert from 'node:assert/strict';
import { playReplay, REPLAY_SCENARIOS } from '../../support/replay-scenarios.js';
import { serverInRealTime, usePlay } from '../../support/workflow-server.js';

/** The decisions of the workflow alone; the activities are fakes. */
describe('workflow replayTopicRange', function () {
  this.timeout(60_000);
  const playing = usePlay(serverInRealTime, playReplay);

  it('plans, runs laps until the slice is at its end, verifies, and only then records', async () => {
    const { result, fakes } = await playing(REPLAY_SCENARIOS.copied);
    assert.deepEqual(fakes.asked, [
      'planReplay',
      'runReplayLap',
      'runReplayLap',
      'verifyReplay',
      'recordReplay',
    ]);
    assert.deepEqual([result?.counts.selected, result?.verification?.verdict], [400, 'passed']);
  });

  it('adds up what all slices say', async () => {
    const { result, fakes } = await playing(REPLAY_SCENARIOS.slices);
    assert.deepEqual(result?.counts, { selected: 1_200, outside: 300 });
    assert.deepEqual(new Set(fakes.laps.map(({ slice }) => slice)), new Set([0, 1, 2]));
  });

  it('answers with the recorded result, and does nothing', async () => {
    const { result, fakes } = await playing(REPLAY_SCENARIOS.recorded);
    assert.deepEqual([result?.reused, result?.counts], [true, { selected: 7 }]);
    assert.deepEqual(fakes.asked, ['planReplay']);
  });

  it('ends with the fault that planning found', async () => {
    const { ended, fakes } = await playing(REPLAY_SCENARIOS.refused);
    assert.equal(ended, 'TARGET_LIMITS');
    assert.deepEqual(fakes.asked, ['planReplay']);
  });

  it('tries a lap again whose worker met a fault', async () => {
    const { result, fakes } = await playing(REPLAY_SCENARIOS.lapFails);
    assert.equal(result?.counts.selected, 400);
    assert.equal(fakes.asked.filter((name) => name === 'runReplayLap').length, 4);
  });

  it('pauses by ending the lap, and resumes with the rate it was told meanwhile', async () => {
    const { result, fakes } = await playing(REPLAY_SCENARIOS.paused);
    assert.equal(result?.verification?.verdict, 'passed');
    assert.deepEqual(
      fakes.laps.map(({ rate }) => rate),
      [{}, { recordsPerSecond: 100 }],
    );
  });

  it('is cancelled once its lap has ended; nothing is recorded', async () => {
    const { ended, fakes } = await playing(REPLAY_SCENARIOS.cancelled);
    assert.equal(ended, 'cancelled');
    assert.deepEqual(fakes.recorded, []);
  });

  it('fails on a gap, and when nothing was selected, before anything is recorded', async () => {
    for (const [scenario, code] of [
      [REPLAY_SCENARIOS.gap, 'GAP'],
      [REPLAY_SCENARIOS.nothingSelected, 'NOTHING_SELECTED'],
    ] as const) {
      const { ended, fakes } = await playing(scenario);
      assert.equal(ended, code);
      assert.deepEqual(fakes.recorded, []);
    }
  });

  it('goes on behind a gap, and ends without records, where that is accepted', async () => {
    const gap = await playing({ ...REPLAY_SCENARIOS.gap, name: 'gap-allowed', input: { allowGaps: true } });
    assert.equal(gap.result?.gaps.length, 1);
    const nothing = REPLAY_SCENARIOS.nothingSelected;
    const empty = await playing({ ...nothing, name: 'empty-allowed', input: { allowEmpty: true } });
    assert.deepEqual(empty.result?.counts, { outside: 500 });
  });

  it('records what it found, and fails, when B is not what it should be', async () => {
    const { ended, fakes } = await playing(REPLAY_SCENARIOS.different);
    assert.equal(ended, 'VERIFICATION_FAILED');
    assert.equal(fakes.recorded[0]?.result.verification?.verdict, 'failed');
  });
});
