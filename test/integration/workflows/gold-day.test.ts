import assert from 'node:assert/strict';
import { PATIENT, play, SCENARIOS } from '../../support/gold-day-scenarios.js';
import { serverThatSkipsTime, usePlay } from '../../support/workflow-server.js';

/** The decisions of the workflow alone, on a server that skips time; the activities are fakes. */
describe('workflow goldDay', function () {
  this.timeout(60_000);
  const playing = usePlay(serverThatSkipsTime, play);

  it('marks the sources, waits for both, freezes the ends, waits for those, and only then reads and computes', async () => {
    const { result, fakes } = await playing(SCENARIOS.computed);
    assert.deepEqual([result?.status, result?.reused], ['complete', false]);
    const { asked } = fakes;
    const at = (step: string) => asked.indexOf(step);
    assert.deepEqual(new Set(asked.slice(0, 2)), new Set(['readPostgresPosition', 'markEvents']));
    assert.deepEqual(new Set(asked.slice(2, 4)), new Set(['awaitUsersProduced', 'awaitMark']));
    assert.deepEqual(asked.slice(4), ['freezeEnds', 'awaitConsumed', 'removeMark', 'computeGold']);
    assert.ok(at('computeGold') > 0);
    assert.deepEqual(fakes.computed, [
      {
        day: '2024-05-01',
        requestedBy: 'first',
        forced: false,
        isFinal: true,
        positions: { events: { 0: '9' } },
      },
    ]);
  });

  it('answers with the record of a fresh day', async () => {
    const { result, fakes } = await playing(SCENARIOS.fresh);
    assert.equal(result?.reused, true);
    assert.deepEqual(fakes.computed, []);
  });

  it('computes a fresh day when forced; it is final all the same, as silver is complete', async () => {
    const { result, fakes } = await playing(SCENARIOS.forced);
    assert.equal(result?.reused, false);
    assert.deepEqual(
      fakes.computed.map(({ forced, isFinal }) => [forced, isFinal]),
      [[true, true]],
    );
  });

  it('gives up a shut gate after ten minutes, says what it waited for, records it and computes nothing', async () => {
    const { ended, message, fakes, tookMs } = await playing(PATIENT);
    assert.equal(ended, 'GATE_TIMEOUT');
    assert.match(message, /gave up waiting for the mark; --force computes without/);
    assert.ok(tookMs >= 600_000 && tookMs < 660_000, `${tookMs} ms`);
    assert.deepEqual(fakes.computed, []);
    assert.deepEqual(
      fakes.failures.map(({ errorCode, day }) => [errorCode, day]),
      [['GATE_TIMEOUT', '2024-05-01']],
    );
    assert.ok(fakes.asked.includes('removeMark'), 'the mark is not left behind');
  });

  it('takes --force of a second caller while it waits: gives up the gate, and the run is not final', async () => {
    const { result, fakes } = await playing(SCENARIOS.forcedWhileWaiting);
    assert.equal(result?.status, 'complete');
    assert.deepEqual(fakes.computed, [
      {
        day: '2024-05-01',
        requestedBy: 'first, second',
        forced: true,
        isFinal: false,
        positions: { events: { 0: '5' } },
      },
    ]);
  });

  it('computes a fresh day all the same when it is forced while its record is read', async () => {
    const { result, fakes } = await playing(SCENARIOS.forcedWhileReading);
    assert.equal(result?.reused, false);
    assert.deepEqual(
      fakes.computed.map(({ forced, requestedBy }) => [forced, requestedBy]),
      [[true, 'first, second']],
    );
  });

  it('outlasts a service that is away for a while', async () => {
    const { result, fakes } = await playing(SCENARIOS.serviceBack);
    assert.equal(result?.status, 'complete');
    assert.deepEqual(fakes.freezing, []);
  });

  it('ends with the fault of the computation, recorded', async () => {
    const { ended, message, fakes } = await playing(SCENARIOS.checkFailed);
    assert.deepEqual([ended, message], ['GOLD_CHECK_FAILED', 'checking staging: no']);
    assert.deepEqual(
      fakes.failures.map(({ errorCode }) => errorCode),
      ['GOLD_CHECK_FAILED'],
    );
  });

  it('is cancelled while it waits: the mark is removed, the run recorded as cancelled', async () => {
    const { ended, fakes } = await playing(SCENARIOS.cancelled);
    assert.equal(ended, 'cancelled');
    assert.deepEqual(
      fakes.failures.map(({ errorCode }) => errorCode),
      ['CANCELLED'],
    );
    assert.deepEqual(fakes.computed, []);
  });
});
