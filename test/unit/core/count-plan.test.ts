import assert from 'node:assert/strict';
import { checkCount, countRules, type AskedCount } from '../../../src/core/count-plan.js';
import { FrameScanner } from '../../../src/core/frame-scanner.js';
import { exactLimit, UniqueSketch } from '../../../src/core/hyperloglog.js';
import { encodeCounts, mostCountsBytes } from '../../../src/core/uniques-state.js';

const fields = (count: number): string[] => Array.from({ length: count }, (_, i) => `field${i}`);

describe('core/count-plan', () => {
  const asked: AskedCount = { job: 'visits', source: 'frames', target: 'unique-users' };
  const faults = (more: Partial<AskedCount>): string[] => {
    try {
      checkCount({ ...asked, ...more });
      return [];
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'BAD_COUNT');
      return (error as Error).message.replace(/^[^:]*: /, '').split('; ');
    }
  };

  const rows: [what: string, more: Partial<AskedCount>, faults: RegExp[]][] = [
    ['nothing but the topics', {}, []],
    ['as many fields as the scanner looks for', { idFields: fields(29) }, []],
    ['one more', { idFields: fields(30) }, [/at most 29 fields can be counted/]],
    ['no field', { idFields: [] }, [/at least one field/]],
    ['a field twice', { idFields: ['a', 'a'] }, [/must all differ/]],
    ['the highest precision for many fields', { idFields: fields(29), precision: 18 }, []],
    ['many frames to confirm', { confirmFrames: 10_000 }, []],
    ['more than memory should hold', { confirmFrames: 10_001 }, [/confirming frames .* \[1, 10000\]/]],
    [
      'all at once',
      { target: 'frames', idFields: fields(40), precision: 3, latenessS: -1, confirmFrames: 0, slices: 0 },
      [/two topics/, /at most 29/, /precision/, /lateness/, /confirming/, /slices/],
    ],
  ];
  for (const [what, more, expected] of rows) {
    it(`${expected.length === 0 ? 'takes' : 'refuses'} ${what}`, () => {
      const found = faults(more);
      assert.equal(found.length, expected.length, found.join('; '));
      expected.forEach((fault, i) => assert.match(found[i]!, fault));
    });
  }

  it('takes nothing that the scanner refuses, and knows how large a state gets', () => {
    assert.ok(new FrameScanner(countRules({ idFields: fields(29) }).format));
    for (const [count, precision] of [
      [29, 15],
      [4, 18],
    ] as const) {
      // As large as it gets: exact, just before registers take less.
      const sketch = new UniqueSketch(precision);
      for (let i = 1; i <= exactLimit(precision); i++) sketch.add(i, i);
      const bytes = encodeCounts(fields(count).map(() => ({ frames: 1, sketch })));
      assert.equal(bytes.length, mostCountsBytes(count, precision));
    }
  });
});
