import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { hash64 } from '../../../src/core/hash64.js';
import { exactLimit, relativeError, UniqueSketch } from '../../../src/core/hyperloglog.js';
import { decodeSketch, encodeSketch } from '../../../src/core/sketch-codec.js';
import { packageRoot } from '../../../src/package-root.js';

const hashOut = new Uint32Array(4);

function addText(sketch: UniqueSketch, text: string): void {
  const bytes = new TextEncoder().encode(text);
  hash64(bytes, 0, bytes.length, hashOut);
  sketch.add(hashOut[0]!, hashOut[1]!);
}

function sketchOf(users: Iterable<number>, precision: number): UniqueSketch {
  const sketch = new UniqueSketch(precision);
  for (const user of users) addText(sketch, `user-${user}`);
  return sketch;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

interface State {
  precision: number;
  users: number;
  bytes: number;
  sha256: string;
  hex?: string;
}

describe('core/hyperloglog', () => {
  it('encodes to the pinned bytes of another implementation, and decodes them again', () => {
    const states = JSON.parse(readFileSync(join(packageRoot, 'test/vectors/sketch.json'), 'utf8')) as State[];
    assert.ok(states.length >= 25);
    for (const { precision, users, bytes, sha256, hex } of states) {
      const label = `precision ${precision}, ${users} users`;
      const sketch = sketchOf(range(0, users), precision);
      const encoded = encodeSketch(sketch);
      assert.equal(encoded.length, bytes, label);
      if (hex !== undefined) assert.equal(Buffer.from(encoded).toString('hex'), hex, label);
      assert.equal(createHash('sha256').update(encoded).digest('hex'), sha256, label);
      const again = decodeSketch(encoded);
      assert.equal(again.count, sketch.count, label);
      assert.deepEqual(encodeSketch(again), encoded, label);
    }
  });

  it('is exact up to its limit, and says so', () => {
    for (const precision of [4, 10, 14]) {
      const sketch = new UniqueSketch(precision);
      for (let n = 1; n <= exactLimit(precision); n++) {
        addText(sketch, `user-${n}`);
        addText(sketch, `user-${n}`);
        assert.equal(sketch.count, n);
        assert.equal(sketch.error, 0);
      }
      addText(sketch, 'one more');
      assert.equal(sketch.error, relativeError(precision));
    }
    assert.equal(relativeError(14).toFixed(4), '0.0081');
  });

  it('keeps the hash 0 apart from none at all', () => {
    const sketch = new UniqueSketch(8);
    assert.equal(sketch.count, 0);
    assert.equal(sketch.add(0, 0), true);
    assert.equal(sketch.add(0, 0), false);
    assert.equal(sketch.count, 1);
  });

  it('is a function of the set of hashes also where 0 is one of them, exact or dense', () => {
    const others = [0x10000000, 0x20000000, 0x30000000];
    for (const count of [0, 1, 2, 3]) {
      const [first, last] = [new UniqueSketch(4), new UniqueSketch(4)];
      first.add(0, 0);
      for (const high of others.slice(0, count)) for (const sketch of [first, last]) sketch.add(high, 5);
      last.add(0, 0);
      assert.deepEqual(encodeSketch(first), encodeSketch(last), `${count} others`);
    }
  });

  it('is a function of the set of hashes: any order, repetition and number of merged slices gives the same bytes', () => {
    const users = fc.array(fc.nat(400), { maxLength: 400 });
    fc.assert(
      fc.property(
        users,
        fc.integer({ min: 4, max: 10 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (ids, p, slices, salt) => {
          const whole = encodeSketch(sketchOf(ids, p));
          const parts = Array.from({ length: slices }, () => new UniqueSketch(p));
          ids.forEach((id, i) => addText(parts[(i * 7 + salt) % slices]!, `user-${id}`));
          ids.slice(0, 20).forEach((id) => addText(parts[salt % slices]!, `user-${id}`));
          const merged = new UniqueSketch(p);
          for (const part of parts.reverse()) merged.merge(decodeSketch(encodeSketch(part)));
          assert.deepEqual(encodeSketch(merged), whole);
          assert.deepEqual(encodeSketch(sketchOf([...ids].reverse(), p)), whole);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has no bias and the error of theory from the first dense count to 60,000', function () {
    this.timeout(20_000);
    const precision = 10;
    const runs = 200;
    const rng = xoroshiro128plus(20261121);
    const counts = [150, 300, 1_000, 2_560, 5_000, 20_000, 60_000];
    const errors = counts.map(() => [] as number[]);
    for (let run = 0; run < runs; run++) {
      const sketch = new UniqueSketch(precision);
      let n = 0;
      counts.forEach((count, c) => {
        for (; n < count; n++) sketch.add(rng.next() >>> 0, rng.next() >>> 0);
        errors[c]!.push(sketch.count / count - 1);
      });
    }
    const sigma = relativeError(precision);
    errors.forEach((all, c) => {
      const mean = all.reduce((sum, e) => sum + e, 0) / runs;
      const rms = Math.sqrt(all.reduce((sum, e) => sum + e * e, 0) / runs);
      // The mean of 200 runs has a standard error of sigma/sqrt(200); an estimate below saturation errs less than sigma.
      assert.ok(Math.abs(mean) < (4 * sigma) / Math.sqrt(runs), `${counts[c]}: mean error ${mean}`);
      assert.ok(rms < 1.15 * sigma, `${counts[c]}: rms error ${rms}, theory ${sigma}`);
      if (counts[c]! >= 20_000)
        assert.ok(rms > 0.85 * sigma, `${counts[c]}: rms error ${rms}, theory ${sigma}`);
    });
  });

  describe('at the ends of what it allows', () => {
    const rng = xoroshiro128plus(20261126);
    const added = (precision: number, count: number): UniqueSketch => {
      const sketch = new UniqueSketch(precision);
      for (let n = 0; n < count; n++) sketch.add(rng.next() >>> 0, rng.next() >>> 0);
      return sketch;
    };
    /**
     * Registers as `count` hashes leave them, too many to add: each has seen `count / 2^precision` of them, Poisson, so that
     * the chance that none of these began with k zeros is exp(-that many / 2^k).
     */
    const drawn = (precision: number, count: number): UniqueSketch => {
      const sketch = new UniqueSketch(precision);
      const registers = Uint8Array.from({ length: 2 ** precision }, () => {
        const share = ((rng.next() >>> 0) + 0.5) / 2 ** 32;
        const value = Math.ceil(-Math.log2((-Math.log(share) * 2 ** precision) / count));
        return Math.min(Math.max(value, 0), 65 - precision);
      });
      sketch.load({ registers });
      return sketch;
    };
    const table: [precision: number, count: number, runs: number, make: typeof added][] = [
      [4, 16, 2_000, added],
      [4, 100, 2_000, added],
      [4, 1_000, 1_000, added],
      [4, 2 ** 50, 4_000, drawn],
      // Of a hundred registers 6 and 22 are full.
      [4, 2 ** 60, 4_000, drawn],
      [10, 2 ** 62, 400, drawn],
      [18, 40_000, 8, added],
      [18, 300_000, 8, added],
      [18, 2 ** 50, 8, drawn],
    ];
    for (const [precision, count, runs, make] of table) {
      it(`errs as in theory: precision ${precision}, ${count} hashes`, function () {
        this.timeout(20_000);
        const errors = Array.from({ length: runs }, () => make(precision, count).count / count - 1);
        const mean = errors.reduce((sum, e) => sum + e, 0) / runs;
        const rms = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / runs);
        const sigma = relativeError(precision);
        const noise = (4 * sigma) / Math.sqrt(runs);
        assert.ok(Math.abs(mean) < sigma / 9 + noise, `mean error ${mean}`);
        assert.ok(rms < sigma * (1.25 + 3 / Math.sqrt(2 * runs)), `rms error ${rms}, theory ${sigma}`);
      });
    }
  });

  it('refuses other formats, hashes, precisions and lengths', () => {
    const good = encodeSketch(sketchOf(range(0, 3), 10));
    const change = (at: number, value: number): Uint8Array => good.with(at, value);
    const dense = encodeSketch(sketchOf(range(0, 500), 10));
    const bad: [string, Uint8Array][] = [
      ['empty', new Uint8Array(0)],
      ['format', change(0, 2)],
      ['hash', change(1, 2)],
      ['seed', change(5, 0)],
      ['precision too small', change(6, 3)],
      ['precision too large', change(6, 19)],
      ['kind', change(7, 2)],
      ['exact, one byte short', good.subarray(0, -1)],
      ['exact, count too large', change(11, 4)],
      ['exact, the hash 0', Uint8Array.from(good).fill(0, 12, 20)],
      ['dense, one byte short', dense.subarray(0, -1)],
      ['dense, one byte more', new Uint8Array([...dense, 0])],
    ];
    for (const [label, bytes] of bad) {
      assert.throws(() => decodeSketch(bytes), { name: 'PipelineError', code: 'BAD_SKETCH' }, label);
    }
    assert.throws(() => new UniqueSketch(3), RangeError);
    assert.throws(() => new UniqueSketch(19), RangeError);
    assert.throws(() => new UniqueSketch(10).merge(new UniqueSketch(11)), RangeError);
  });
});
