import assert from 'node:assert/strict';
import { mergedTimeS, partitionsToPause, type PartitionClock } from '../../../src/core/watermark.js';

const clock = (reading: PartitionClock['reading'], timeS?: number): PartitionClock => ({ reading, timeS });

describe('core/watermark', () => {
  const rows: [what: string, partitions: PartitionClock[], merged: number | undefined][] = [
    ['no partition at all', [], Number.POSITIVE_INFINITY],
    ['one being read', [clock('reading', 50)], 50],
    ['the earliest of those being read', [clock('reading', 50), clock('reading', 40)], 40],
    ['unknown while one being read has no time', [clock('reading', 50), clock('reading')], undefined],
    ['an idle one is not waited for', [clock('reading', 50), clock('idle', 10), clock('idle')], 50],
    ['an ended one is not waited for', [clock('reading', 50), clock('ended', 10)], 50],
    [
      'all idle: the earliest of them',
      [clock('idle', 30), clock('idle', 20), clock('idle'), clock('ended', 1)],
      20,
    ],
    ['all idle and none with a time', [clock('idle'), clock('ended', 1)], undefined],
    ['all ended', [clock('ended', 30), clock('ended')], Number.POSITIVE_INFINITY],
  ];
  for (const [what, partitions, merged] of rows) {
    it(`merges: ${what}`, () => assert.equal(mergedTimeS(partitions), merged));
  }

  it('pauses the partitions that run ahead of the slowest being read', () => {
    const partitions = new Map([
      [0, clock('reading', 1000)],
      [1, clock('reading', 1600)],
      [2, clock('reading', 1601)],
      [3, clock('idle', 10)],
    ]);
    assert.deepEqual(partitionsToPause(partitions, 600), [2]);
    partitions.set(4, clock('reading'));
    assert.deepEqual(partitionsToPause(partitions, 600), [], 'nobody knows yet where partition 4 is');
  });
});
