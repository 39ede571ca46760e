import assert from 'node:assert/strict';
import { PARTITION_BYTES, ReadPositions, wholeBatches } from '../../../src/stream/read-positions.js';
import type { FetchedPartition } from '../../../src/stream/requests.js';

const answer = (lastStableOffset: number, bytes = 0): FetchedPartition => ({
  partition: 0,
  errorCode: 0,
  highWatermark: lastStableOffset,
  lastStableOffset,
  logStartOffset: 0,
  aborted: [],
  bytes: Buffer.alloc(bytes),
});

const partitions = (positions: readonly { readonly partition: number }[]): number[] =>
  positions.map(({ partition }) => partition);

describe('stream/read-positions', () => {
  const three = () =>
    new ReadPositions(
      'a',
      [0, 1, 2].map((partition) => ({ partition, startOffset: 0, endOffset: 10 })),
    );

  it('asks for all that have something left, but for those paused', () => {
    const positions = three();
    assert.deepEqual(partitions(positions.next), [0, 1, 2]);
    positions.of(1)!.offset = 10;
    assert.deepEqual(partitions(positions.next), [0, 2]);
    positions.pause([0]);
    assert.deepEqual(partitions(positions.next), [2]);
    positions.pause([0, 2]);
    assert.deepEqual(partitions(positions.next), [0, 2], 'pausing all reads on');
  });

  const cases = [
    { of: 'an answer cut off by the byte limit', stable: 10, bytes: 7, throttleMs: 0, alone: true, then: 0 },
    { of: 'a broker that throttles', stable: 10, bytes: 0, throttleMs: 5, alone: true, then: 0 },
    { of: 'a log undecided before the end', stable: 9, bytes: 0, throttleMs: 0, alone: true, then: 0 },
    {
      of: 'others that may have filled the answer',
      stable: 10,
      bytes: 0,
      throttleMs: 0,
      alone: false,
      then: 0,
    },
    { of: 'a decided log that shows nothing', stable: 10, bytes: 0, throttleMs: 0, alone: true, then: 10 },
  ];
  for (const { of, stable, bytes, throttleMs, alone, then } of cases) {
    it(`after ${of} goes on at ${then}`, () => {
      const positions = three();
      const position = positions.of(1)!;
      positions.cameEmpty(position, answer(stable, bytes), alone, throttleMs);
      assert.equal(position.offset, then);
    });
  }

  it('asks first for who came away empty, and alone where others may have filled the answer', () => {
    const positions = three();
    positions.cameEmpty(positions.of(2)!, answer(9), false, 0);
    assert.deepEqual(partitions(positions.next), [2, 0, 1]);
    positions.cameEmpty(positions.of(1)!, answer(10), false, 0);
    assert.deepEqual(partitions(positions.next), [1]);
  });

  it('reports what is lost up to the end, and cannot say how much without one', () => {
    const positions = new ReadPositions('a', [
      { partition: 0, startOffset: 3, endOffset: 10 },
      { partition: 1, startOffset: 0 },
    ]);
    const gap = { kind: 'gap', partition: 0, startOffset: 3, endOffset: 10, reason: 'recreated' };
    assert.deepEqual(positions.lose(positions.of(0)!), gap);
    assert.deepEqual(partitions(positions.active), [1]);
    assert.throws(() => positions.loseTheRest(), { code: 'TOPIC_RECREATED' });
  });

  it('asks for another one first each time, so that none starves behind four that fill an answer', () => {
    const positions = new ReadPositions(
      'a',
      [0, 1, 2, 3, 4].map((partition) => ({ partition, startOffset: 0, endOffset: 1_000_000 })),
    );
    // A broker whose answers hold batches of four partitions, and a few more of the fifth.
    for (let fetch = 0; fetch < 100; fetch++) {
      const asked = positions.next;
      positions.wasFirst(asked[0]!);
      asked.forEach((position, i) => (position.offset += i < 4 ? 100 : 1));
    }
    const offsets = [0, 1, 2, 3, 4].map((partition) => positions.of(partition)!.offset);
    assert.deepEqual(
      offsets,
      [8_020, 8_020, 8_020, 8_020, 8_020],
      'a fifth of the turns each as the last one',
    );
  });

  it('asks for as many bytes as whole batches take, of the size that came last and a little larger', () => {
    const largest = PARTITION_BYTES;
    assert.equal(wholeBatches(0), largest, 'nothing has come');
    assert.equal(wholeBatches(largest + 1), largest, 'it comes whole, alone');
    assert.equal(wholeBatches(1_000_000), 2_000_000 + 2 * 15_625);
    for (const batchBytes of [1, 61, 16_384, 999_999, largest / 2 + 1, largest]) {
      const batches = Math.floor(largest / batchBytes);
      const asked = wholeBatches(batchBytes);
      assert.ok(asked >= batches * batchBytes && asked < batches * batchBytes * (1 + 1 / 60));
      assert.ok(batches === 1 || asked >= batches * Math.floor(batchBytes * 1.01), 'some are larger');
    }
  });
});
