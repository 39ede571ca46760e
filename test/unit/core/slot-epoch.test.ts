import assert from 'node:assert/strict';
import { epochStart, planSlot, type SlotState } from '../../../src/core/slot-epoch.js';

describe('core/slot-epoch', () => {
  const streaming = 1n << 64n;
  const healthy: SlotState = {
    slotExists: true,
    offsetKnown: true,
    recordedEpoch: 3,
    highestVersion: epochStart(3) + streaming + 500n,
    currentLsn: 1_000n,
  };
  const first = { slotExists: false, offsetKnown: false, recordedEpoch: undefined, highestVersion: 0n };
  const cases: [string, Partial<SlotState>, ReturnType<typeof planSlot>][] = [
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
      { recordedEpoch: undefined, slotExists: false, highestVersion: epochStart(7) + 1n },
      { kind: 'snapshot', epoch: 8, cut: true },
    ],
  ];
  for (const [claim, change, plan] of cases) {
    it(claim, () => assert.deepEqual(planSlot({ ...healthy, ...change }), plan));
  }

  it('refuses to start when new versions would rank below stored ones', () => {
    const code = { code: 'VERSIONS_WOULD_REGRESS' };
    assert.throws(() => planSlot({ ...healthy, currentLsn: 499n }), code);
    assert.throws(() => planSlot({ ...healthy, recordedEpoch: 2 }), code);
  });
});
