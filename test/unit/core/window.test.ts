import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  END_INSTANT_MS,
  FIRST_INSTANT_MS,
  isoSeconds,
  parseWindowKey,
  WINDOW_KINDS,
  windowAt,
  windowKey,
  type WindowKind,
} from '../../../src/core/window.js';

describe('core/window', () => {
  const cases: [at: string, kind: WindowKind, start: string, end: string][] = [
    ['2016-07-11T13:39:59.999Z', 'minute', '2016-07-11T13:39:00Z', '2016-07-11T13:40:00Z'],
    ['2016-07-11T13:40:00Z', 'minute', '2016-07-11T13:40:00Z', '2016-07-11T13:41:00Z'],
    ['2016-07-11T13:39:27Z', 'hour', '2016-07-11T13:00:00Z', '2016-07-11T14:00:00Z'],
    ['2016-07-11T13:39:27Z', 'day', '2016-07-11T00:00:00Z', '2016-07-12T00:00:00Z'],
    ['2016-07-11T00:00:00Z', 'week', '2016-07-11T00:00:00Z', '2016-07-18T00:00:00Z'],
    ['2016-07-17T23:59:59.999Z', 'week', '2016-07-11T00:00:00Z', '2016-07-18T00:00:00Z'],
    ['2021-01-03T12:00:00Z', 'week', '2020-12-28T00:00:00Z', '2021-01-04T00:00:00Z'],
    ['1969-12-31T23:59:59Z', 'week', '1969-12-29T00:00:00Z', '1970-01-05T00:00:00Z'],
    ['1969-12-31T23:59:59Z', 'minute', '1969-12-31T23:59:00Z', '1970-01-01T00:00:00Z'],
    ['2024-02-29T05:00:00Z', 'month', '2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['2023-12-31T23:59:59Z', 'month', '2023-12-01T00:00:00Z', '2024-01-01T00:00:00Z'],
    ['2024-12-31T23:59:59Z', 'year', '2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z'],
    ['0001-01-01T00:00:00Z', 'year', '0001-01-01T00:00:00Z', '0002-01-01T00:00:00Z'],
    ['0099-06-01T00:00:00Z', 'month', '0099-06-01T00:00:00Z', '0099-07-01T00:00:00Z'],
  ];
  for (const [at, kind, start, end] of cases) {
    it(`puts ${at} into the ${kind} from ${start}`, () => {
      const window = windowAt(kind, Date.parse(at));
      assert.deepEqual([isoSeconds(window.startMs), isoSeconds(window.endMs)], [start, end]);
    });
  }

  it('covers time without gap or overlap, and every key names its window', () => {
    const instant = fc.integer({ min: FIRST_INSTANT_MS, max: END_INSTANT_MS - 1 });
    fc.assert(
      fc.property(instant, fc.constantFrom(...WINDOW_KINDS), (at, kind) => {
        const window = windowAt(kind, at);
        assert.ok(window.startMs <= at && at < window.endMs);
        assert.deepEqual(windowAt(kind, window.startMs), window);
        assert.deepEqual(windowAt(kind, window.endMs - 1), window);
        assert.equal(windowAt(kind, window.endMs).startMs, window.endMs);
        assert.deepEqual(parseWindowKey(windowKey(window)), window);
        assert.match(isoSeconds(window.startMs), /^\d{4}-/);
        assert.match(isoSeconds(window.endMs), /^\d{4}-/);
      }),
    );
  });

  it('refuses keys that name no window', () => {
    for (const key of ['', 'minute', 'minute/2016-07-11T13:39:30Z', 'decade/2010-01-01T00:00:00Z', 'day/x']) {
      assert.throws(() => parseWindowKey(key), RangeError, key);
    }
  });
});
