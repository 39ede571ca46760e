import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  chunksOf,
  contains,
  differingKeys,
  digestOf,
  evenRanges,
  joined,
  nextSteps,
  NO_ROWS,
  type ComparedChunk,
  type KeyRange,
} from '../../../src/core/content.js';

const range = (from: number, to: number): KeyRange => ({ from: BigInt(from), to: BigInt(to) });
const rows = (count: number, sum = 0) => digestOf(count, BigInt(sum), 0n);

describe('content', () => {
  it('takes sums of any sign and size for the same number mod 2^64', () => {
    assert.deepEqual(digestOf(1, '-1', '18446744073709551617'), digestOf(1, '18446744073709551615', '1'));
    assert.notDeepEqual(digestOf(1, 1n, 0n), digestOf(1, 0n, 1n));
  });

  it('makes of cuts ranges that leave no key out', () => {
    const cut = (firstKey: number) => ({ firstKey: BigInt(firstKey), digest: rows(1) });
    assert.deepEqual(
      chunksOf(range(-10, 10), [cut(-3), cut(4)]).map((chunk) => chunk.range),
      [range(-10, 4), range(4, 10)],
    );
    assert.deepEqual(chunksOf(range(0, 5), []), [{ range: range(0, 5), digest: NO_ROWS }]);
  });

  it('spreads even ranges over every key', () => {
    for (const parts of [1, 2, 3, 64, 1000]) {
      const ranges = evenRanges(parts);
      assert.deepEqual(joined(ranges), [{ from: 0n, to: 1n << 64n }]);
      assert.equal(ranges.length, parts);
    }
  });

  const decisions: [string, ComparedChunk, ReturnType<typeof nextSteps>][] = [
    ['equal', { range: range(0, 9), source: rows(50, 1), silver: rows(50, 1) }, { split: [], list: [] }],
    [
      'small',
      { range: range(0, 9), source: rows(3, 1), silver: rows(4, 1) },
      { split: [], list: [range(0, 9)] },
    ],
    [
      'large at the source',
      { range: range(0, 9), source: rows(21, 1), silver: rows(0) },
      { split: [{ range: range(0, 9), by: 'source', rowsPerPart: 6 }], list: [] },
    ],
    [
      'large in silver',
      { range: range(0, 9), source: rows(0), silver: rows(21, 1) },
      { split: [{ range: range(0, 9), by: 'silver', rowsPerPart: 6 }], list: [] },
    ],
    [
      'of as many rows, with other content',
      { range: range(0, 9), source: rows(5, 1), silver: rows(5, 2) },
      { split: [], list: [range(0, 9)] },
    ],
  ];
  for (const [name, chunk, expected] of decisions) {
    it(`decides about a range that is ${name}`, () => {
      assert.deepEqual(nextSteps([chunk], { listRows: 10, parts: 4 }), expected);
    });
  }

  it('finds a key in joined ranges exactly when one of the ranges has it', () => {
    const ranges = fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 9 })));
    fc.assert(
      fc.property(ranges, fc.integer({ min: 0, max: 120 }), (drawn, key) => {
        // Ranges that do not overlap, as the plans make them.
        const taken = new Set<number>();
        const apart = drawn.filter(([from, width]) => {
          const keys = Array.from({ length: width }, (_, i) => from + i);
          if (keys.some((one) => taken.has(one))) return false;
          keys.forEach((one) => taken.add(one));
          return true;
        });
        const found = contains(joined(apart.map(([from, width]) => range(from, from + width))), BigInt(key));
        assert.equal(found, taken.has(key));
      }),
    );
  });

  it('tells keys that are on one side only, or have another content', () => {
    const source = new Map([
      ['same', 'a'],
      ['missing', 'a'],
      ['different', 'a'],
    ]);
    const silver = new Map([
      ['same', 'a'],
      ['extra', 'a'],
      ['different', 'b'],
    ]);
    assert.deepEqual(differingKeys(source, silver).sort(), ['different', 'extra', 'missing']);
  });
});
