import assert from 'node:assert/strict';
import fc from 'fast-check';
import { OffsetSet } from '../../../src/core/offset-set.js';

describe('set of offsets', () => {
  it('holds what was added within its range, and nothing else', () => {
    const offsets = fc.array(fc.integer({ min: 5_000_000_000 - 50, max: 5_000_000_000 + 150 }));
    fc.assert(
      fc.property(offsets, fc.nat(100), (added, length) => {
        const [start, end] = [5_000_000_000, 5_000_000_000 + length];
        const set = new OffsetSet(start, end);
        const expected = new Set(added.filter((offset) => offset >= start && offset < end));
        for (const offset of added) set.add(offset);
        for (let offset = start - 60; offset < end + 60; offset++) {
          assert.equal(set.has(offset), expected.has(offset));
        }
      }),
    );
  });
});
