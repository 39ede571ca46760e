import { createHash } from 'node:crypto';
import { DASHBOARDS } from '../core/dashboards/index.js';
import type { Dashboard } from '../core/dashboards/dashboard.js';
import { DEFAULT_LAST, rangeOf } from '../core/dashboards/range.js';
import { PipelineError } from '../core/errors.js';
import { lookAt, type Ask, type PanelView } from '../dashboards/look.js';
import { dashboardPage, listPage } from '../dashboards/page.js';
import { STYLE } from '../dashboards/style.js';
import { jsonReply, type Reply, type Route } from './http-server.js';

export interface DashboardsDeps {
  readonly ask: Ask;
  readonly database: string;
  /** Epoch ms. */
  readonly now: () => number;
}

/** Nothing is loaded, run, sent or framed: the pages are text, drawings and one style. */
const POLICY = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};

const PATH = /^\/dashboards(?:\/([a-z-]+)(\/data\.json)?)?\/?$/;
const PARAMETERS: readonly string[] = ['last', 'from', 'to'];

/**
 * `GET /dashboards`, `GET /dashboards/<slug>`, a page that loads itself anew, and `GET /dashboards/<slug>/data.json`, what it shows:
 * integers of 64 bits as text. Parameters: `last` (1h, 6h, 24h, 7d), or `from` and `to`, ISO 8601.
 */
export const dashboardsRoute =
  (deps: DashboardsDeps): Route =>
  ({ pathname, searchParams }) => {
    const found = PATH.exec(pathname);
    if (found === null) return undefined;
    const [, slug, data] = found;
    if (slug === undefined) return Promise.resolve(htmlReply(listPage(DASHBOARDS)));
    const dashboard = DASHBOARDS.find((one) => one.slug === slug);
    if (dashboard === undefined) {
      const names = DASHBOARDS.map((one) => one.slug).join(', ');
      return Promise.resolve(jsonReply(404, { error: 'NO_DASHBOARD', message: `there are ${names}` }));
    }
    return show(dashboard, searchParams, data !== undefined, deps);
  };

async function show(
  dashboard: Dashboard,
  given: URLSearchParams,
  asData: boolean,
  { ask, database, now }: DashboardsDeps,
): Promise<Reply> {
  try {
    const query = queryOf(given);
    const range = rangeOf(query, now());
    const views = await lookAt(dashboard, range, database, ask);
    if (asData) return jsonReply(200, asJson(dashboard, range, views));
    const last = query.from === undefined ? (query.last ?? DEFAULT_LAST) : undefined;
    return htmlReply(dashboardPage({ dashboard, views, range, last }));
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    return jsonReply(400, { error: error.code, message: error.message });
  }
}

function queryOf(given: URLSearchParams): { last?: string; from?: string; to?: string } {
  const unknown = [...given.keys()].filter((name) => !PARAMETERS.includes(name));
  if (unknown.length > 0) {
    throw new PipelineError('BAD_QUERY', 'asking for a dashboard: there are last, from and to');
  }
  return Object.fromEntries(given);
}

const asJson = (
  { slug, title }: Dashboard,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  views: readonly PanelView[],
) => ({
  slug,
  title,
  from: new Date(fromMs).toISOString(),
  to: new Date(toMs).toISOString(),
  panels: views.map(({ panel: { title: panelTitle, kind }, ...shown }) => ({
    title: panelTitle,
    kind,
    ...shown,
  })),
});

const htmlReply = (body: string): Reply => ({ status: 200, type: 'text/html', body, headers: POLICY });
