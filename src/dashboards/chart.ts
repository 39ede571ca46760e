import { scaleLinear, scaleUtc } from 'd3-scale';
import { line } from 'd3-shape';
import type { TimeSeriesPanel } from '../core/dashboards/dashboard.js';
import type { Range } from '../core/dashboards/range.js';
import { formatted } from './format.js';
import type { PanelRows } from './look.js';
import { markup, type Markup } from './markup.js';

/** Units of the drawing, which grows with the page. */
const WIDTH = 640;
const HEIGHT = 200;
const LEFT = 48;
const RIGHT = WIDTH - 8;
const TOP = 8;
const BOTTOM = HEIGHT - 20;
/** Classes of lines in the page's style. */
const COLOURS = 10;
const DAY_MS = 86_400_000;

interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** Lines over time, drawn as SVG: a page with it needs no script. */
export function chart(panel: TimeSeriesPanel, { columns, rows }: PanelRows, range: Range): Markup {
  const series = [...seriesOf(columns, rows)];
  if (series.length === 0) return markup`<p class="empty">nothing in this range</p>`;
  const most = series.flatMap(([, points]) => points).reduce((max, { value }) => Math.max(max, value), 1);
  const x = scaleUtc([range.fromMs, range.toMs], [LEFT, RIGHT]);
  const y = scaleLinear([0, most], [BOTTOM, TOP]).nice(4);
  const draw = line<Point>(
    ({ atMs }) => x(atMs),
    ({ value }) => y(value),
  ).digits(1);
  const told = x.tickFormat(6, range.toMs - range.fromMs > DAY_MS ? '%d %b %H:%M' : '%H:%M');

  const levels = y.ticks(4).map((value) => {
    const at = y(value).toFixed(1);
    return markup`<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${at}" y2="${at}"/>
<text class="y" x="${LEFT - 6}" y="${at}">${formatted(value, panel.unit)}</text>`;
  });
  const times = x
    .ticks(6)
    .map((time) => markup`<text class="x" x="${x(time).toFixed(1)}" y="${HEIGHT - 4}">${told(time)}</text>`);
  const lines = series.map(([name, points], i) => {
    const path = pieces(points, panel.stepMs).map((piece) => draw(piece) ?? '');
    return markup`<path class="line c${i % COLOURS}" d="${path.join('')}"><title>${name}</title></path>`;
  });
  const legend = series.map(([name], i) => markup`<li class="c${i % COLOURS}">${name}</li>`);
  return markup`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${panel.title}">
${levels}${times}${lines}
</svg><ul class="legend">${legend}</ul>`;
}

function seriesOf(columns: PanelRows['columns'], rows: PanelRows['rows']): Map<string, Point[]> {
  const at = (name: string): number => columns.findIndex((column) => column.name === name);
  const [time, series, value] = [at('time'), at('series'), at('value')];
  const all = new Map<string, Point[]>();
  for (const row of rows) {
    const name = String(row[series]);
    const points = all.get(name) ?? [];
    if (points.length === 0) all.set(name, points);
    points.push({ atMs: Date.parse(String(row[time])), value: Number(row[value]) });
  }
  return all;
}

/** Where more than a step lies between two points there was nothing: no line crosses it. */
function pieces(points: readonly Point[], stepMs: number): Point[][] {
  const all: Point[][] = [];
  let last = -Infinity;
  for (const point of points) {
    if (point.atMs - last > stepMs) all.push([]);
    all.at(-1)!.push(point);
    last = point.atMs;
  }
  return all;
}
