import type { Dashboard, StatPanel, TablePanel } from '../core/dashboards/dashboard.js';
import { LAST, type Range } from '../core/dashboards/range.js';
import { chart } from './chart.js';
import { cellText, formatted, isRightAligned } from './format.js';
import type { Cell, Column, PanelRows, PanelView } from './look.js';
import { markup, Markup } from './markup.js';
import { STYLE } from './style.js';

/** How often a page loads itself anew: no script does it. */
const REFRESH_SECONDS = 5;

export interface Shown {
  readonly dashboard: Dashboard;
  readonly views: readonly PanelView[];
  readonly range: Range;
  /** The name of a range that ends now; undefined for one that is fixed. */
  readonly last: string | undefined;
}

export function listPage(dashboards: readonly Dashboard[]): string {
  const items = dashboards.map(
    ({ slug, title, description }) =>
      markup`<li><a href="/dashboards/${slug}">${title}</a>: ${description}</li>\n`,
  );
  return page('Dashboards', false, markup`<h1>Dashboards</h1><ul>${items}</ul>`);
}

export function dashboardPage({ dashboard, views, range, last }: Shown): string {
  const { title, description } = dashboard;
  const ranges = [...LAST.keys()].map((name) =>
    name === last ? markup`<b>${name}</b>` : markup`<a href="?last=${name}">${name}</a>`,
  );
  const alarms = views.filter(isAlarming).map(({ panel }) => panel.title);
  const banner = markup`<p class="banner" role="alert">Look here: ${alarms.join('; ')}</p>`;
  return page(
    title,
    last !== undefined,
    markup`<h1>${title}</h1><p>${description}</p>
<nav><a href="/dashboards">all dashboards</a>${ranges}<span>${told(range.fromMs)} to ${told(range.toMs)} UTC</span></nav>
${alarms.length > 0 ? banner : undefined}
<main>${views.map((view) => section(view, range))}</main>`,
  );
}

const page = (title: string, refreshes: boolean, body: Markup): string =>
  markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
${refreshes ? markup`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">` : undefined}
<title>${title} · Tidemark</title><style>${new Markup(STYLE)}</style></head>
<body>${body}</body></html>
`.text;

const told = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

function section(view: PanelView, range: Range): Markup {
  const { title, description, width } = view.panel;
  return markup`<section class="w${width}"><h2>${title}</h2><p>${description}</p>
${content(view, range)}</section>
`;
}

function content(view: PanelView, range: Range): Markup {
  if ('error' in view) return markup`<p class="error">${view.error.message} (${view.error.code})</p>`;
  const { panel } = view;
  switch (panel.kind) {
    case 'stat':
      return stat(panel, view);
    case 'table':
      return table(panel, view);
    case 'timeseries':
      return chart(panel, view, range);
  }
}

function stat(panel: StatPanel, { rows }: PanelRows): Markup {
  const cell = rows[0]?.[0] ?? null;
  const colour = panel.redAbove === undefined ? '' : isAbove(cell, panel.redAbove) ? ' red' : ' green';
  const text = cell === null || typeof cell === 'boolean' ? 'nothing yet' : formatted(cell, panel.unit);
  return markup`<div class="stat${colour}">${text}</div>`;
}

/** What is no number is not known to be within the limit. */
const isAbove = (cell: Cell, limit: number): boolean => cell === null || !(Number(cell) <= limit);

/** Red, or a panel whose colour cannot be known. */
function isAlarming(view: PanelView): boolean {
  const { panel } = view;
  if (panel.kind !== 'stat' || panel.redAbove === undefined) return false;
  return 'error' in view || isAbove(view.rows[0]?.[0] ?? null, panel.redAbove);
}

function table(panel: TablePanel, { columns, rows }: PanelRows): Markup {
  if (rows.length === 0) return markup`<p class="empty">nothing</p>`;
  const head = columns.map(
    (column) => markup`<th class="${alignment(column)}">${column.name.replaceAll('_', ' ')}</th>`,
  );
  return markup`<table><thead><tr>${head}</tr></thead>
<tbody>${rows.map((row) => tableRow(panel, columns, row))}</tbody></table>`;
}

function tableRow({ units, verdict }: TablePanel, columns: readonly Column[], row: readonly Cell[]): Markup {
  const isBroken = columns.some(({ name }, i) => name === verdict && Number(row[i]) !== 1);
  const cells = columns.map((column, i) => {
    const verdictText = isBroken ? 'BROKEN' : 'holds';
    const cell =
      column.name === verdict ? verdictText : cellText(row[i] ?? null, column, units?.[column.name]);
    return markup`<td class="${alignment(column)}">${cell}</td>`;
  });
  return markup`<tr class="${isBroken ? 'red' : ''}">${cells}</tr>
`;
}

const alignment = (column: Column): string => (isRightAligned(column) ? 'n' : '');
