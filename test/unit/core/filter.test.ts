import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  compileFilter,
  decidesByTimestamp,
  timeOf,
  type FilterableRecord,
  type Selection,
  type Verdict,
} from '../../../src/core/filter.js';

const at = (text: string): number => Date.parse(text);
const ELEVEN = at('2026-11-20T11:00:00Z');
const ONE = at('2026-11-20T13:00:00Z');
const HOUR_MS = 3_600_000;

interface Plain {
  readonly key?: string | null;
  readonly value?: unknown;
  /** Instead of `value`: what is not JSON. */
  readonly text?: string | null;
  readonly headers?: Record<string, string | null>;
  readonly timestampMs?: number;
  readonly partition?: number;
  readonly offset?: number;
}

const record = ({ key = null, value, text, headers = {}, ...rest }: Plain): FilterableRecord => ({
  timestampMs: ELEVEN,
  partition: 0,
  offset: 0,
  ...rest,
  keyText: () => key,
  valueText: () => (text !== undefined ? text : JSON.stringify(value ?? null)),
  headers: () => new Map(Object.entries(headers)),
});

const verdict = (selection: Selection, plain: Plain): Verdict => compileFilter(selection)(record(plain));

describe('selection of records', () => {
  const window = { fromMs: ELEVEN, toMs: ONE };

  it('takes a window from its first millisecond to the one before its end', () => {
    const times = [ELEVEN - 1, ELEVEN, ONE - 1, ONE];
    assert.deepEqual(
      times.map((timestampMs) => verdict({ window }, { timestampMs })),
      ['outside', 'selected', 'selected', 'outside'],
    );
  });

  const texts: readonly [string, unknown, number | undefined][] = [
    ['ISO with Z', '2026-11-20T11:00:00Z', ELEVEN],
    ['ISO with milliseconds', '2026-11-20T11:00:00.250Z', ELEVEN + 250],
    ['ISO with an offset', '2026-11-20T12:30:00+01:30', ELEVEN],
    ['ISO with a short offset', '2026-11-20T12:30:00+0130', ELEVEN],
    ['ISO without a zone, as UTC', '2026-11-20T11:00:00', ELEVEN],
    ['ISO with a blank, as databases print it', '2026-11-20 11:00:00', ELEVEN],
    ['ISO without seconds', '2026-11-20T11:00', ELEVEN],
    ['a date', '2026-11-20', ELEVEN - 11 * HOUR_MS],
    ['seconds', ELEVEN / 1_000, ELEVEN],
    ['seconds with a fraction', ELEVEN / 1_000 + 0.25, ELEVEN + 250],
    ['milliseconds', ELEVEN, ELEVEN],
    ['seconds as text', String(ELEVEN / 1_000), ELEVEN],
    ['milliseconds as text', String(ELEVEN), ELEVEN],
    ['seconds before 1970', -1, -1_000],
    ['a word', 'soon', undefined],
    ['an impossible date', '2026-13-40T00:00:00Z', undefined],
    ['nothing', null, undefined],
    ['an object', {}, undefined],
    ['a truth', true, undefined],
    ['infinity', Infinity, undefined],
  ];
  for (const [name, value, expected] of texts) {
    it(`reads ${name}: ${String(JSON.stringify(value))}`, () => {
      assert.equal(timeOf(value), expected);
    });
  }

  it('reads what a Date prints, whatever the instant (property)', () => {
    const instants = fc.integer({ min: at('1000-01-01T00:00:00Z'), max: at('9999-12-31T00:00:00Z') });
    fc.assert(fc.property(instants, (ms) => timeOf(new Date(ms).toISOString()) === ms));
  });

  it('looks for the time where it is told to, in nested objects too', () => {
    const selection = { window, timeField: 'meta.at' };
    assert.equal(verdict(selection, { value: { meta: { at: '2026-11-20T12:00:00Z' } } }), 'selected');
    assert.equal(verdict(selection, { value: { meta: { at: '2026-11-20T13:00:00Z' } } }), 'outside');
    // The record's own timestamp does not help: a record without that time is counted as such.
    for (const value of [{ meta: {} }, { meta: null }, { meta: 'text' }, [], 'text', 7, null]) {
      assert.equal(verdict(selection, { value }), 'unreadable', JSON.stringify(value));
    }
    assert.equal(verdict(selection, { text: 'not JSON' }), 'unreadable');
    assert.equal(verdict(selection, { text: null }), 'unreadable');
  });

  it('takes a part of every day, also across midnight, also before 1970', () => {
    const noon = { timeOfDay: { fromMs: 11 * HOUR_MS, toMs: 13 * HOUR_MS } };
    const night = { timeOfDay: { fromMs: 22 * HOUR_MS, toMs: 2 * HOUR_MS } };
    for (const day of ['2026-11-20', '1969-12-31', '2024-02-29']) {
      const on = (selection: Selection, time: string) =>
        verdict(selection, { timestampMs: at(`${day}T${time}Z`) });
      assert.deepEqual(
        ['10:59:59.999', '11:00:00', '12:59:59.999', '13:00:00'].map((time) => on(noon, time)),
        ['outside', 'selected', 'selected', 'outside'],
      );
      assert.deepEqual(
        ['21:59:59.999', '22:00:00', '00:00:00', '01:59:59.999', '02:00:00'].map((time) => on(night, time)),
        ['outside', 'selected', 'selected', 'selected', 'outside'],
      );
    }
  });

  const expressions: readonly [string, Plain, Verdict][] = [
    ["key == 'a'", { key: 'a' }, 'selected'],
    ["key == 'a'", { key: 'b' }, 'filtered'],
    ['key == null', { key: null }, 'selected'],
    ['value.n > 2', { value: { n: 2.5 } }, 'selected'],
    ['value.n > 2', { value: { n: 2 } }, 'filtered'],
    ['value.n > 2', { value: {} }, 'undecided'],
    ['value.n > 2', { text: 'not JSON' }, 'undecided'],
    ['has(value.n) && value.n > 2', { value: {} }, 'filtered'],
    ['int(value.n) % 3 == 0', { value: { n: 9 } }, 'selected'],
    ["value.user.name.startsWith('A')", { value: { user: { name: 'Ann' } } }, 'selected'],
    ["value.type in ['click', 'view']", { value: { type: 'view' } }, 'selected'],
    ["value == 'plain'", { text: 'plain' }, 'selected'],
    ["headers['trace'] == 'x'", { headers: { trace: 'x' } }, 'selected'],
    ["'trace' in headers", { headers: {} }, 'filtered'],
    ['offset < 10 && partition == 1', { offset: 9, partition: 1 }, 'selected'],
    ['offset < 10 && partition == 1', { offset: 9, partition: 0 }, 'filtered'],
    [`timestampMs >= ${String(ELEVEN)}`, { timestampMs: ELEVEN - 1 }, 'filtered'],
    ['value.n', { value: { n: 1 } }, 'undecided'],
    ['value.flag', { value: { flag: true } }, 'selected'],
  ];
  for (const [filter, plain, expected] of expressions) {
    it(`${filter} of ${JSON.stringify(plain)}: ${expected}`, () => {
      assert.equal(verdict({ filter }, plain), expected);
    });
  }

  it('asks the expression only about records whose time is right', () => {
    const selection = { window, filter: 'value.n > 2' };
    assert.equal(verdict(selection, { value: {}, timestampMs: ONE }), 'outside');
    assert.equal(verdict(selection, { value: {}, timestampMs: ELEVEN }), 'undecided');
  });

  it('names every fault of a selection at once', () => {
    const faulty = {
      window: { fromMs: ONE, toMs: ONE },
      timeOfDay: { fromMs: 0, toMs: 0 },
      timeField: 'a..b',
      filter: 'value.n >',
    };
    assert.throws(() => compileFilter(faulty), {
      code: 'BAD_SELECTION',
      message: /window ends.*time of day.*empty part.*not a CEL expression/s,
    });
    for (const filter of ['1 + 1', 'nobody == 1', "'text'"]) {
      assert.throws(() => compileFilter({ filter }), { code: 'BAD_SELECTION' }, filter);
    }
  });

  it('knows when a timestamp decides alone', () => {
    assert.equal(decidesByTimestamp({ window }), true);
    assert.equal(decidesByTimestamp({}), true);
    assert.equal(decidesByTimestamp({ window, timeField: 'ts' }), false);
    assert.equal(decidesByTimestamp({ filter: 'true' }), false);
  });
});
