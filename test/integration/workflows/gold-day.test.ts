import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../../src/wait-until.js';
import { goldRequest } from '../../../src/workflows/definitions.js';
import type { GoldDayFakes } from '../../support/gold-day-fakes.js';
import { holdBack, joinWhileComputing, PATIENT, play, SCENARIOS } from '../../support/gold-day-scenarios.js';
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

  describe('who joins', () => {
    const count = ({ asked }: GoldDayFakes, step: string) => asked.filter((name) => name === step).length;

    it('while it computes is answered after another gate, by a new computation where something had changed', async () => {
      const { result, fakes } = await playing({
        ...SCENARIOS.joinedWhileComputing,
        meanwhile: async (handle, fakes) => {
          await joinWhileComputing(handle, fakes, {});
          fakes.changed = true;
          fakes.read();
        },
      });
      assert.equal(count(fakes, 'freezeEnds'), 2);
      assert.deepEqual(
        fakes.computed.map(({ requestedBy, forced }) => [requestedBy, forced]),
        [
          ['first', false],
          ['first, second', false],
        ],
      );
      assert.equal(result?.requestedBy, 'first, second');
    });

    it('while it computes, and nothing has changed: the gate again and a look at the record', async () => {
      const { result, fakes } = await playing(SCENARIOS.joinedWhileComputing);
      assert.deepEqual([count(fakes, 'freezeEnds'), count(fakes, 'computeGold')], [2, 2]);
      assert.deepEqual([fakes.computed.length, result?.requestedBy], [1, 'first']);
    });

    it('at its gate, whose mark was made before: likewise', async () => {
      const { fakes } = await playing({
        name: 'joined-at-the-gate',
        given: (fakes) => {
          fakes.arrived = false;
          fakes.pass = () => delay(50);
        },
        meanwhile: async (handle, fakes) => {
          const waits = () => Promise.resolve(fakes.asked.includes('awaitMark'));
          await waitUntil('the gate', waits, { timeoutMs: 30_000, everyMs: 20 });
          await handle.executeUpdate(goldRequest, { args: [{ requestedBy: 'second' }] });
          fakes.arrived = true;
        },
      });
      assert.deepEqual([count(fakes, 'freezeEnds'), count(fakes, 'computeGold')], [2, 2]);
      assert.equal(fakes.computed.length, 1);
    });

    it('with the update that starts it costs nothing more', async () => {
      const { fakes } = await playing({ name: 'by-update', byUpdate: true });
      assert.deepEqual([count(fakes, 'freezeEnds'), count(fakes, 'computeGold')], [1, 1]);
    });

    it('forcing, while it computes, is computed for anew', async () => {
      const { fakes } = await playing({
        name: 'forced-while-computing',
        given: holdBack,
        meanwhile: async (handle, fakes) => {
          await joinWhileComputing(handle, fakes, { force: true });
          fakes.read();
        },
      });
      assert.deepEqual(
        fakes.computed.map(({ forced }) => forced),
        [false, true],
      );
    });

    it('with a later barrier than its own: it is computed under that, without another gate', async () => {
      const { fakes } = await playing(SCENARIOS.joinedWithLaterBarrier);
      assert.deepEqual([count(fakes, 'freezeEnds'), count(fakes, 'computeGold')], [1, 2]);
    });

    it('with a barrier that its own is past: nothing is done for that', async () => {
      const { fakes } = await playing({
        name: 'joined-with-earlier-barrier',
        given: holdBack,
        meanwhile: async (handle, fakes) => {
          const barrier = { complete: true, positions: { events: { 0: '9' } } };
          await joinWhileComputing(handle, fakes, { barrier });
          fakes.read();
        },
      });
      assert.deepEqual([count(fakes, 'freezeEnds'), count(fakes, 'computeGold')], [1, 1]);
    });
  });

  describe('a day that ends while it is under way', () => {
    // A server of its own: one that has seen cancellations may skip no time any more.
    const playing = usePlay(serverThatSkipsTime, play);

    it('is not final for who forced it before its end, and final for who joins after that', async () => {
      const lastsMs = 60_000;
      const { result, fakes } = await playing({
        name: 'joined-after-its-end',
        lastsMs,
        input: { force: true, gateTimeoutMs: 10 * lastsMs },
        given: (fakes) => {
          fakes.arrived = false;
          let passedMs = 0;
          fakes.pass = async (ms) => {
            await fakes.skip(ms);
            passedMs += ms;
            fakes.arrived = passedMs > lastsMs;
          };
        },
        // Told by the first pass: time is skipped only once the result is waited for.
        meanwhile: (handle, fakes) => {
          fakes.reading = async () => {
            fakes.reading = () => Promise.resolve();
            await handle.executeUpdate(goldRequest, { args: [{ requestedBy: 'second' }] });
          };
          return Promise.resolve();
        },
      });
      assert.deepEqual(
        fakes.computed.map(({ forced, isFinal }) => [forced, isFinal]),
        [
          [true, false],
          [false, true],
        ],
      );
      assert.equal(result?.isFinal, true);
    });
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

  it('is cancelled while it computes: its attempt has ended before it does', async () => {
    const { ended, fakes } = await playing(SCENARIOS.cancelledWhileComputing);
    assert.equal(ended, 'cancelled');
    assert.deepEqual(fakes.asked.slice(-2), ['the attempt has ended', 'recordGoldFailure']);
    assert.deepEqual(
      fakes.failures.map(({ errorCode }) => errorCode),
      ['CANCELLED'],
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
