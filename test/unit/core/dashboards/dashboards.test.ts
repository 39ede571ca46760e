import assert from 'node:assert/strict';
import { sqlOf } from '../../../../src/core/dashboards/dashboard.js';
import { DASHBOARDS } from '../../../../src/core/dashboards/index.js';
import { rangeOf } from '../../../../src/core/dashboards/range.js';

describe('dashboards', () => {
  it('have names of their own, and so have the panels of each', () => {
    const slugs = DASHBOARDS.map(({ slug }) => slug);
    assert.equal(new Set(slugs).size, slugs.length);
    for (const { slug, panels } of DASHBOARDS) {
      assert.match(slug, /^[a-z-]+$/);
      assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length, slug);
    }
  });

  for (const { slug, panels } of DASHBOARDS) {
    for (const panel of panels) {
      it(`${slug}, ${panel.title}: one statement that reads, of the database named`, () => {
        const sql = sqlOf(panel, 'another');
        assert.match(sql, /^(SELECT|WITH)\b/);
        assert.doesNotMatch(sql, /;|\{database\}|tidemark\./);
        assert.match(sql, /\banother\.\w+/);
        const parameters = [...sql.matchAll(/\{[^}]*\}/g)].map(([text]) => text);
        assert.deepEqual(
          parameters.filter((text) => !['{from:DateTime}', '{to:DateTime}'].includes(text)),
          [],
        );
        if (panel.kind === 'timeseries') {
          assert.ok(parameters.length > 0, 'a time series has a range');
          for (const column of ['time', 'series', 'value']) assert.match(sql, new RegExp(`AS ${column}\\b`));
        }
      });
    }
  }
});

describe('the range of a dashboard', () => {
  const NOW = Date.UTC(2026, 10, 22, 5, 0, 0, 250);

  it('ends with the second that has begun', () => {
    assert.deepEqual(rangeOf({ last: '1h' }, NOW), {
      fromMs: Date.UTC(2026, 10, 22, 4, 0, 1),
      toMs: Date.UTC(2026, 10, 22, 5, 0, 1),
    });
    assert.deepEqual(rangeOf({}, NOW), rangeOf({ last: '6h' }, NOW));
  });

  it('is what is said, whatever the time', () => {
    assert.deepEqual(rangeOf({ from: '2016-07-11T13:00:00Z', to: '2016-07-11T16:30:00+02:00' }, NOW), {
      fromMs: Date.UTC(2016, 6, 11, 13),
      toMs: Date.UTC(2016, 6, 11, 14, 30),
    });
  });

  const wrong: Parameters<typeof rangeOf>[0][] = [
    { last: '1y' },
    { last: 'toString' },
    { from: '2026-11-20T00:00:00Z' },
    { from: '2026-11-20T00:00:00', to: '2026-11-21T00:00:00' },
    { from: '2026-11-21T00:00:00Z', to: '2026-11-20T00:00:00Z' },
    { from: '2026-11-20T00:00:00Z', to: '2026-11-20T00:00:00Z' },
    { from: '2026-01-01T00:00:00Z', to: '2026-03-01T00:00:00Z' },
    { from: '2026-13-01T00:00:00Z', to: '2026-13-02T00:00:00Z' },
    { from: '1969-01-01T00:00:00Z', to: '1969-01-02T00:00:00Z' },
    { last: '1h', from: '2026-11-20T00:00:00Z', to: '2026-11-20T01:00:00Z' },
  ];
  for (const query of wrong) {
    it(`is refused: ${JSON.stringify(query)}`, () => {
      assert.throws(() => rangeOf(query, NOW), { code: 'BAD_QUERY' });
    });
  }
});
