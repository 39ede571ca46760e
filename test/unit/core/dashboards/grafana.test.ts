import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dashboard as GrafanaModel } from '@grafana/schema';
import { grafanaDashboard, grafanaFiles } from '../../../../src/core/dashboards/grafana.js';
import { DASHBOARDS } from '../../../../src/core/dashboards/index.js';
import { packageRoot } from '../../../../src/package-root.js';

/** A type of Grafana's as JSON is: its enums are the texts that they stand for. */
type Plain<T> = unknown extends T
  ? unknown
  : T extends string
    ? `${T}`
    : T extends number | boolean | null | undefined
      ? T
      : { [K in keyof T]: Plain<T[K]> };

const folder = join(packageRoot, 'infra', 'grafana');

describe("Grafana's files", () => {
  for (const [path, text] of grafanaFiles(DASHBOARDS)) {
    it(`${path} is what is declared (npm run grafana writes it)`, () => {
      assert.equal(readFileSync(join(folder, path), 'utf8'), text);
    });
  }

  it('are all of dashboards that there are', () => {
    assert.deepEqual(
      readdirSync(join(folder, 'dashboards')).sort(),
      DASHBOARDS.map(({ slug }) => `${slug}.json`).sort(),
    );
  });

  for (const dashboard of DASHBOARDS) {
    describe(dashboard.slug, () => {
      // The compiler holds what is made against Grafana's own model.
      const model: Plain<GrafanaModel> = grafanaDashboard(dashboard);
      const panels = grafanaDashboard(dashboard).panels;

      it('has every panel, side by side and in no other place twice', () => {
        assert.equal(model.panels?.length, dashboard.panels.length);
        const taken = new Set<string>();
        for (const { gridPos } of panels) {
          assert.ok(gridPos.x + gridPos.w <= 24);
          for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
            for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
              assert.ok(!taken.has(`${x} ${y}`), `two panels at ${x}, ${y}`);
              taken.add(`${x} ${y}`);
            }
        }
      });

      it("asks in the plugin's terms: nothing of ours is left in the SQL", () => {
        for (const { targets } of panels) {
          const { rawSql } = targets[0]!;
          assert.doesNotMatch(rawSql, /[{}]/);
          assert.match(rawSql, /FROM tidemark\.\w+/);
          // Grafana would take any other dollar for a variable of its own.
          assert.doesNotMatch(rawSql.replaceAll(/\$__(from|to)Time\b/g, ''), /\$/);
        }
      });

      it('asks for time series as such, and for tables as such', () => {
        for (const { type, targets } of panels) {
          const { queryType, format } = targets[0]!;
          assert.deepEqual([queryType, format], type === 'timeseries' ? ['timeseries', 0] : ['table', 1]);
        }
      });
    });
  }

  it('show a broken identity in red', () => {
    const logins = grafanaDashboard(DASHBOARDS.find(({ slug }) => slug === 'logins')!);
    const broken = logins.panels.find(({ title }) => title.includes('broken'))!;
    assert.deepEqual(broken.fieldConfig.defaults, {
      unit: 'locale',
      noValue: 'nothing yet',
      color: { mode: 'thresholds' },
      thresholds: {
        mode: 'absolute',
        steps: [
          { color: 'green', value: null },
          { color: 'red', value: 1 },
        ],
      },
    });
  });
});
