import assert from 'node:assert/strict';
import fc from 'fast-check';
import { canonicalJson } from '../../../src/core/canonical-json.js';
import { compareRows, describeComparison, type Row } from '../../../src/generate/compare.js';

const ROWS: Row[] = [
  { id: '1', name: 'a', nested: { x: 1, y: [1, 2] } },
  { id: '2', name: 'b', nested: {} },
  { id: '9007199254740993', name: 'c', nested: null },
];

describe('generate/compare', () => {
  it('finds equal what has the same content, in any order of rows and members, with further columns', () => {
    const actual: Row[] = [...ROWS].reverse().map((row) => ({ version: 7, ...row }));
    actual[2] = { nested: { y: [1, 2], x: 1 }, name: 'a', id: '1', version: 8 };
    const result = compareRows(ROWS, actual, 'id');
    assert.equal(result.equal, true);
    assert.equal(describeComparison(result), 'equal, 3 rows');
  });

  it('tells missing, extra, doubled and different rows apart', () => {
    const [first, second, third] = ROWS as [Row, Row, Row];
    const cases: [string, Row[], Partial<Record<'missing' | 'extra' | 'doubled' | 'different', number>>][] = [
      ['missing', [first, third], { missing: 1 }],
      ['extra', [...ROWS, { id: '3' }], { extra: 1 }],
      ['doubled', [...ROWS, second, second], { doubled: 2 }],
      ['doubled with other content', [...ROWS, { ...second, name: 'x' }], { doubled: 1 }],
      ['different', [first, { ...second, name: 'x', nested: 1 }, third], { different: 1 }],
      ['a column gone', [first, { id: '2', nested: {} }, third], { different: 1 }],
      ['another type', [first, second, { ...third, nested: 'null' }], { different: 1 }],
      ['nothing there', [], { missing: 3 }],
      [
        'a neighbour above 2^53',
        [first, second, { ...third, id: '9007199254740992' }],
        { missing: 1, extra: 1 },
      ],
    ];
    for (const [name, actual, counts] of cases) {
      const result = compareRows(ROWS, actual, 'id');
      assert.equal(result.equal, false, name);
      for (const part of ['missing', 'extra', 'doubled', 'different'] as const) {
        assert.equal(result[part].count, counts[part] ?? 0, `${name}: ${part}`);
      }
    }
  });

  it('says which column differs, and keeps few examples', () => {
    const result = compareRows([{ day: 'd', id: '1', n: 1 }], [{ day: 'd', id: '1', n: 2 }], ['day', 'id']);
    assert.deepEqual(result.different.examples, [{ key: 'd / 1', column: 'n', expected: 1, actual: 2 }]);
    assert.equal(describeComparison(result), '1 rows expected, 1 there: 1 different (d / 1.n)');
    const many = Array.from({ length: 100 }, (_, index) => ({ id: `${index}` }));
    const none = compareRows(many, [], 'id', { examples: 2 });
    assert.deepEqual(none.missing, { count: 100, examples: ['0', '1'] });
    assert.match(describeComparison(none), /100 missing \(0, 1, \.\.\.\)/);
  });

  it('refuses expectations with a key twice and rows without their key', () => {
    assert.throws(() => compareRows([{ id: 1 }, { id: 1 }], [], 'id'), RangeError);
    assert.throws(() => compareRows([], [{ name: 'a' }], 'id'), RangeError);
  });

  it('is equal exactly when the multisets of rows are', () => {
    const row = fc.record({ id: fc.nat(6), v: fc.nat(2) });
    const expectedRows = fc.uniqueArray(row, { selector: ({ id }) => id });
    fc.assert(
      fc.property(expectedRows, fc.array(row, { maxLength: 7 }), (expected, actual) => {
        const text = (rows: readonly Row[]): string => rows.map(canonicalJson).sort().join();
        assert.equal(compareRows(expected, actual, 'id').equal, text(expected) === text(actual));
        assert.equal(compareRows(expected, [...expected].reverse(), 'id').equal, true);
      }),
    );
  });
});

describe('generate/canonical', () => {
  it('is JSON of the same value, whatever the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
    assert.equal(canonicalJson({ b: [{ d: 1, c: undefined }], a: '"' }), '{"a":"\\"","b":[{"d":1}]}');
  });
});
