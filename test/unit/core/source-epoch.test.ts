import assert from 'node:assert/strict';
import {
  epochStart,
  EVENTS_LAYOUT,
  planEpoch,
  USERS_LAYOUT,
  type EpochPlan,
  type SourceState,
} from '../../../src/core/source-epoch.js';

describe('core/source-epoch', () => {
  const healthy: SourceState = {
    slotExists: true,
    offsetKnown: true,
    recordedEpoch: 3,
    highestVersion: USERS_LAYOUT.streamed(3, 500n),
    currentVersion: (epoch) => USERS_LAYOUT.streamed(epoch, 1_000n),
  };
  const first = { slotExists: false, offsetKnown: false, recordedEpoch: undefined, highestVersion: 0n };
  const cases: [string, Partial<SourceState>, EpochPlan][] = [
    ['goes on where slot and offsets are there', {}, { kind: 'continue', epoch: 3 }],
    ['goes on with an empty silver', { highestVersion: 0n }, { kind: 'continue', epoch: 3 }],
    ['starts with epoch 1 and nothing to cut', first, { kind: 'snapshot', epoch: 1, cut: false }],
    [
      'raises the epoch when the slot is gone',
      { slotExists: false },
      { kind: 'snapshot', epoch: 4, cut: true },
    ],
    [
      'raises the epoch when the offsets are gone',
      { offsetKnown: false },
      { kind: 'snapshot', epoch: 4, cut: true },
    ],
    [
      'starts above what silver holds when the source forgot its epochs',
      { recordedEpoch: undefined, slotExists: false, highestVersion: epochStart(USERS_LAYOUT, 7) + 1n },
      { kind: 'snapshot', epoch: 8, cut: true },
    ],
  ];
  for (const [claim, change, plan] of cases) {
    it(claim, () => assert.deepEqual(planEpoch(USERS_LAYOUT, { ...healthy, ...change }), plan));
  }

  it('refuses to start when new versions would rank below stored ones', () => {
    const behind = { ...healthy, currentVersion: (epoch: number) => USERS_LAYOUT.streamed(epoch, 499n) };
    const code = { code: 'VERSIONS_WOULD_REGRESS' };
    assert.throws(() => planEpoch(USERS_LAYOUT, behind), code);
    assert.throws(() => planEpoch(USERS_LAYOUT, { ...healthy, recordedEpoch: 2 }), code);
    const ahead = { ...healthy, highestVersion: EVENTS_LAYOUT.streamed(4, 1n), currentVersion: undefined };
    assert.throws(() => planEpoch(EVENTS_LAYOUT, ahead), code);
  });

  it('ranks every epoch above the one before, whatever was streamed in it', () => {
    for (const layout of [USERS_LAYOUT, EVENTS_LAYOUT]) {
      assert.ok(layout.streamed(3, 2n ** 63n) < epochStart(layout, 4));
      assert.ok(layout.streamed(3, 0n) > epochStart(layout, 3));
    }
  });
});
