import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { findSuspects } from '../../../../src/activities/content/find-suspects.js';
import type { ContentStore } from '../../../../src/activities/content/store.js';
import {
  chunksOf,
  differingKeys,
  digestOf,
  NO_ROWS,
  type Cut,
  type KeyRange,
} from '../../../../src/core/content.js';

const WHOLE: KeyRange = { from: -(1n << 63n), to: 1n << 63n };

/** A store in memory that counts the rows it had to list. */
class MapStore implements ContentStore {
  listed = 0;
  readonly #rows: readonly (readonly [bigint, string])[];

  constructor(rows: ReadonlyMap<bigint, string>) {
    this.#rows = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  cut(range: KeyRange, rowsPerPart: number) {
    const rows = this.#within(range);
    const cuts: Cut[] = [];
    for (let at = 0; at < rows.length; at += rowsPerPart) {
      const part = rows.slice(at, at + rowsPerPart);
      cuts.push({ firstKey: part[0]![0], digest: digest(part) });
    }
    return Promise.resolve(chunksOf(range, cuts));
  }

  digests(ranges: readonly KeyRange[]) {
    ranges.forEach((range, i) => i > 0 && assert.equal(range.from, ranges[i - 1]!.to, 'no gap'));
    return Promise.resolve(ranges.map((range) => digest(this.#within(range))));
  }

  list(ranges: readonly KeyRange[]) {
    const rows = ranges.flatMap((range) => this.#within(range));
    this.listed += rows.length;
    return Promise.resolve(new Map(rows.map(([key, text]) => [key.toString(), text])));
  }

  #within({ from, to }: KeyRange) {
    return this.#rows.filter(([key]) => key >= from && key < to);
  }
}

function digest(rows: readonly (readonly [bigint, string])[]) {
  if (rows.length === 0) return NO_ROWS;
  const sums = [0n, 0n];
  for (const [key, text] of rows) {
    const md5 = createHash('md5').update(`${key} ${text}`).digest();
    sums[0]! += md5.readBigUInt64BE(0);
    sums[1]! += md5.readBigUInt64BE(8);
  }
  return digestOf(rows.length, sums[0]!, sums[1]!);
}

const find = (
  source: MapStore,
  silver: MapStore,
  sizes = { listRows: 3, parts: 2 },
  chunkRows = 7,
  max = 1e6,
) =>
  findSuspects(source, silver, {
    whole: WHOLE,
    chunkRows,
    sizes,
    maxSuspects: max,
    signal: new AbortController().signal,
    progress: () => undefined,
  });

describe('finding what differs', () => {
  const key = fc.oneof(
    fc.bigInt({ min: -20n, max: 60n }),
    fc.bigInt({ min: WHOLE.from, max: WHOLE.to - 1n }),
  );
  const store = fc.uniqueArray(fc.tuple(key, fc.constantFrom('a', 'b')), {
    selector: ([one]) => one,
    maxLength: 60,
  });

  it('names exactly the keys that a comparison row by row would, however the stores are cut', () => {
    const changes = fc.array(fc.tuple(key, fc.constantFrom('a', 'c', null)), { maxLength: 12 });
    const sizes = fc.record({ listRows: fc.nat(6), parts: fc.integer({ min: 0, max: 5 }) });
    return fc.assert(
      fc.asyncProperty(
        store,
        fc.oneof(changes, store),
        sizes,
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (rows, changed, sizes, chunkRows, apart) => {
          const source = new Map<bigint, string>(rows);
          const silver = new Map<bigint, string>(apart ? [] : rows);
          for (const [one, text] of changed)
            if (text === null) silver.delete(one);
            else silver.set(one, text);
          const found = await find(new MapStore(source), new MapStore(silver), sizes, chunkRows);
          const texts = (map: Map<bigint, string>) =>
            new Map([...map].map(([one, text]) => [String(one), text]));
          assert.deepEqual(found.keys.sort(), differingKeys(texts(source), texts(silver)).sort());
          assert.equal(found.rows, source.size);
          assert.equal(found.cutShort, false);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('lists few rows to find one that differs among many', async () => {
    const rows = new Map<bigint, string>(Array.from({ length: 5_000 }, (_, i) => [BigInt(i * 3), 'row']));
    const source = new MapStore(rows);
    const silver = new MapStore(new Map(rows).set(7_500n, 'other'));
    const found = await find(source, silver, { listRows: 10, parts: 4 }, 1_000);
    assert.deepEqual([found.keys, found.differingChunks, found.chunks], [['7500'], 1, 5]);
    assert.ok(source.listed <= 10 && silver.listed <= 10, `${source.listed} and ${silver.listed}`);
  });

  it('says when more keys differ than it keeps', async () => {
    const rows = new Map(Array.from({ length: 100 }, (_, i) => [BigInt(i), 'row'] as const));
    const found = await find(new MapStore(rows), new MapStore(new Map()), undefined, 7, 20);
    assert.deepEqual([found.keys.length, found.cutShort], [20, true]);
  });
});
