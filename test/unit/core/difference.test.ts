import assert from 'node:assert/strict';
import fc from 'fast-check';
import { countKinds, kindOf, settle, type Observation } from '../../../src/core/difference.js';

const seen = (key: string, token: string, silver: string | null, source: string | null): Observation => ({
  key,
  token,
  silver,
  source,
});
const keyed = (observations: Observation[]) => new Map(observations.map((one) => [one.key, one]));

describe('a difference', () => {
  it('is told by which side has the row', () => {
    assert.equal(kindOf(seen('k', '1', 'a', 'a')), 'equal');
    assert.equal(kindOf(seen('k', '1', null, null)), 'equal');
    assert.equal(kindOf(seen('k', '1', null, 'a')), 'missing');
    assert.equal(kindOf(seen('k', '1', 'a', null)), 'extra');
    assert.equal(kindOf(seen('k', '1', 'a', 'b')), 'different');
  });

  it('counts when silver did not touch the row while it passed the position', () => {
    const before = keyed([
      seen('stale', '1', 'a', 'b'),
      seen('hot', '1', 'a', 'b'),
      seen('gone', '1', 'a', 'b'),
    ]);
    const after = [seen('stale', '1', 'a', 'c'), seen('hot', '2', 'b', 'c'), seen('gone', '2', 'c', 'c')];
    const { wrong, moving } = settle(before, after);
    assert.deepEqual(wrong, [{ key: 'stale', kind: 'different' }]);
    assert.deepEqual(
      moving.map(({ key }) => key),
      ['hot'],
    );
    assert.deepEqual(countKinds(wrong), { missing: 0, extra: 0, different: 1 });
  });

  it('never counts of a silver that is only behind, whatever happens to the key meanwhile', () => {
    const history = fc.array(fc.constantFrom('a', 'b', null), { minLength: 1, maxLength: 12 });
    const moments = fc.tuple(fc.nat(12), fc.nat(12), fc.nat(12), fc.nat(12));
    fc.assert(
      fc.property(history, moments, (changes, drawn) => {
        // In order of time, as numbers of changes: silver seen, source seen (then a position), silver and source seen again.
        const [a, b, c, d] = drawn.map((at) => Math.min(at, changes.length)).sort((x, y) => x - y) as [
          number,
          number,
          number,
          number,
        ];
        const stateAfter = (count: number): string | null => changes[count - 1] ?? null;
        // Silver was behind by any number of changes; it has passed the position, which was taken after `b`, by `c`.
        const before = seen('k', String(a), stateAfter(a), stateAfter(b));
        const after = seen('k', String(c), stateAfter(c), stateAfter(d));
        if (kindOf(before) !== 'equal') assert.deepEqual(settle(keyed([before]), [after]).wrong, []);
      }),
    );
  });
});
