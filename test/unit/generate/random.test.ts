import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Random } from '../../../src/generate/random.js';
import { Pool, Urn } from '../../../src/generate/urn.js';

describe('generate/random', () => {
  it('gives the same choices for the same parts, for ever', () => {
    const random = Random.of(7, 1);
    // Golden: a change here changes every answer that was ever written for a seed.
    assert.deepEqual(
      [random.int(0, 1_000), random.int(0, 1_000), random.int(0, 1_000), random.int(-5, 5)],
      [386, 635, 52, 0],
    );
  });

  it('gives other choices for neighbouring parts', () => {
    const firsts = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      for (let part = 0; part < 5; part++) firsts.add(Random.of(seed, part).int(0, 2 ** 31));
    }
    assert.equal(firsts.size, 1_000);
  });

  it('stays within half-open ranges and reaches all of them', () => {
    const random = Random.of(1);
    const seen = new Set(Array.from({ length: 1_000 }, () => random.int(3, 6)));
    assert.deepEqual([...seen].sort(), [3, 4, 5]);
    for (let draw = 0; draw < 1_000; draw++) {
      const fraction = random.fraction();
      assert.ok(fraction >= 0 && fraction < 1);
    }
  });

  it('refuses to pick one of nothing', () => {
    assert.throws(() => Random.of(1).pick([]), RangeError);
    assert.throws(() => new Pool().take(Random.of(1)), RangeError);
  });
});

describe('generate/urn', () => {
  it('draws every kind exactly as often as planned', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(50), fc.nat(50), fc.nat(50), (seed, a, b, c) => {
        const urn = new Urn({ a, b, c }, { endless: false });
        const random = Random.of(seed);
        const drawn = { a: 0, b: 0, c: 0 };
        for (let kind = urn.draw(random, () => true); kind; kind = urn.draw(random, () => true))
          drawn[kind]++;
        assert.deepEqual(drawn, { a, b, c });
      }),
    );
  });

  it('puts off what is not possible yet, and stops when nothing else is left', () => {
    const urn = new Urn({ now: 2, never: 5 }, { endless: false });
    const random = Random.of(1);
    const draw = (): string | undefined => urn.draw(random, (kind) => kind === 'now');
    assert.deepEqual([draw(), draw(), draw()], ['now', 'now', undefined]);
  });

  it('keeps to the weights when endless', () => {
    const urn = new Urn({ often: 90, seldom: 10, not: 0 }, { endless: true });
    const random = Random.of(5);
    const drawn = { often: 0, seldom: 0, not: 0 };
    for (let draw = 0; draw < 10_000; draw++) drawn[urn.draw(random, () => true) ?? 'not']++;
    assert.equal(drawn.not, 0);
    // Binomial with n = 10,000, p = 0.1: six standard deviations are 180.
    assert.ok(Math.abs(drawn.seldom - 1_000) < 180, `${drawn.seldom}`);
  });

  it('takes every member of a pool once', () => {
    const pool = new Pool();
    for (let ordinal = 0; ordinal < 50; ordinal++) pool.add(ordinal);
    const random = Random.of(2);
    const taken = Array.from({ length: 50 }, () => pool.take(random));
    assert.equal(new Set(taken).size, 50);
    assert.equal(pool.size, 0);
  });
});
