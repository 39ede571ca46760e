import assert from 'node:assert/strict';
import { murmur2, partitionOfKey } from '../../../src/core/murmur2.js';

describe('murmur2', () => {
  // From Kafka's own UtilsTest: what its Java producer goes by.
  const vectors: readonly [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  for (const [key, hash] of vectors) {
    it(`of ${key} is what Java says`, () => {
      assert.equal(murmur2(Buffer.from(key)), hash);
      // Java takes the sign away, it does not negate.
      assert.equal(partitionOfKey(Buffer.from(key), 7), (hash & 0x7fffffff) % 7);
    });
  }
});
