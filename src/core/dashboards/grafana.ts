import { sqlOf, type Dashboard, type Panel, type Unit } from './dashboard.js';

/** Of what `provisioning` makes, so that dashboards find it in any Grafana. */
const DATA_SOURCE = { type: 'grafana-clickhouse-datasource', uid: 'tidemark-clickhouse' } as const;
const FOLDER = 'Tidemark';
/** The database's name is fixed; another one is a change of `defaultDatabase` and of these files. */
const DATABASE = 'tidemark';

/** Of the dashboard's JSON, as Grafana 11 writes it: later ones migrate it when they load it. */
const SCHEMA_VERSION = 39;
const UNITS: Readonly<Record<Unit, string>> = { count: 'locale', ratio: 'percentunit', ms: 'ms' };
const HEIGHT: Readonly<Record<Panel['kind'], number>> = { stat: 4, table: 9, timeseries: 9 };
const ROW_WIDTH = 24;

/** A dashboard in Grafana's JSON model, for the data source plugin's SQL editor. */
export function grafanaDashboard(dashboard: Dashboard) {
  const places = placesOf(dashboard.panels);
  return {
    uid: `tidemark-${dashboard.slug}`,
    title: `${FOLDER}: ${dashboard.title}`,
    description: dashboard.description,
    tags: ['tidemark'],
    schemaVersion: SCHEMA_VERSION,
    // The next start of Grafana would take back what is changed there.
    editable: false,
    timezone: 'utc',
    time: { from: 'now-6h', to: 'now' },
    refresh: '10s',
    panels: dashboard.panels.map((panel, i) => grafanaPanel(panel, i + 1, places[i]!)),
  };
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** From left to right; a new row where the next one does not fit. */
function placesOf(panels: readonly Panel[]): Place[] {
  let [x, y, rowHeight] = [0, 0, 0];
  return panels.map(({ width, kind }) => {
    if (x + width > ROW_WIDTH) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const place = { x, y, w: width, h: HEIGHT[kind] };
    x += width;
    rowHeight = Math.max(rowHeight, HEIGHT[kind]);
    return place;
  });
}

function grafanaPanel(panel: Panel, id: number, gridPos: Place) {
  const { title, description } = panel;
  const isSeries = panel.kind === 'timeseries';
  return {
    id,
    type: panel.kind,
    title,
    description,
    gridPos,
    datasource: DATA_SOURCE,
    targets: [
      {
        refId: 'A',
        datasource: DATA_SOURCE,
        editorType: 'sql',
        queryType: isSeries ? 'timeseries' : 'table',
        // What queryType is to older versions of the plugin.
        format: isSeries ? 0 : 1,
        rawSql: rawSqlOf(panel),
      },
    ],
    ...shownAs(panel),
  };
}

/** The plugin's macros in the place of ClickHouse's parameters. */
const rawSqlOf = (panel: Panel): string =>
  sqlOf(panel, DATABASE)
    .replaceAll('{from:DateTime}', '$__fromTime')
    .replaceAll('{to:DateTime}', '$__toTime');

function shownAs(panel: Panel) {
  switch (panel.kind) {
    case 'stat':
      return {
        fieldConfig: {
          defaults: { unit: UNITS[panel.unit], noValue: 'nothing yet', ...colouredAbove(panel.redAbove) },
          overrides: [],
        },
        options: {
          reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
          colorMode: panel.redAbove === undefined ? 'none' : 'background',
          graphMode: 'none',
          textMode: 'value',
        },
      };
    case 'table':
      return {
        fieldConfig: {
          defaults: {},
          overrides: [
            ...Object.entries(panel.units ?? {}).map(([column, unit]) =>
              override(column, [{ id: 'unit', value: UNITS[unit] }]),
            ),
            ...(panel.verdict === undefined ? [] : [verdictOverride(panel.verdict)]),
          ],
        },
        options: { showHeader: true, cellHeight: 'sm' },
      };
    case 'timeseries':
      return {
        fieldConfig: {
          defaults: {
            unit: UNITS[panel.unit],
            min: 0,
            displayName: '${__field.labels.series}',
            custom: { drawStyle: 'line', lineWidth: 1, showPoints: 'auto', insertNulls: 2 * panel.stepMs },
          },
          overrides: [],
        },
        options: {
          legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
          tooltip: { mode: 'multi', sort: 'desc' },
        },
      };
  }
}

/** Steps of a threshold hold from their value on, so counts are red from the next whole number. */
const colouredAbove = (limit: number | undefined) =>
  limit === undefined
    ? {}
    : {
        color: { mode: 'thresholds' as const },
        thresholds: {
          mode: 'absolute' as const,
          steps: [
            { color: 'green', value: null },
            { color: 'red', value: limit + 1 },
          ],
        },
      };

const override = (
  column: string,
  properties: readonly { readonly id: string; readonly value: unknown }[],
) => ({
  matcher: { id: 'byName', options: column },
  properties: [...properties],
});

const verdictOverride = (column: string) =>
  override(column, [
    {
      id: 'mappings',
      value: [
        {
          type: 'value',
          options: {
            '0': { text: 'BROKEN', color: 'red', index: 0 },
            '1': { text: 'holds', color: 'green', index: 1 },
          },
        },
      ],
    },
    { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic', applyToRow: true } },
  ]);

/** Grafana reads it at its start, and puts variables of its environment in the place of `$NAME`. JSON is YAML. */
export const grafanaDataSources = {
  apiVersion: 1,
  datasources: [
    {
      name: FOLDER,
      ...DATA_SOURCE,
      access: 'proxy',
      editable: false,
      jsonData: {
        host: '$TIDEMARK_CLICKHOUSE_HOST',
        port: '$TIDEMARK_CLICKHOUSE_PORT',
        protocol: 'http',
        defaultDatabase: DATABASE,
        username: '$TIDEMARK_CLICKHOUSE_USER',
      },
      secureJsonData: { password: '$TIDEMARK_CLICKHOUSE_PASSWORD' },
    },
  ],
};

export const grafanaProviders = {
  apiVersion: 1,
  providers: [
    {
      name: FOLDER,
      folder: FOLDER,
      type: 'file',
      allowUiUpdates: false,
      options: { path: '$TIDEMARK_GRAFANA_DASHBOARDS' },
    },
  ],
};

/** Text of every generated file under infra/grafana, by its path there. */
export function grafanaFiles(dashboards: readonly Dashboard[]): ReadonlyMap<string, string> {
  const contents: [string, object][] = [
    ...dashboards.map((one): [string, object] => [`dashboards/${one.slug}.json`, grafanaDashboard(one)]),
    ['provisioning/datasources/tidemark.yaml', grafanaDataSources],
    ['provisioning/dashboards/tidemark.yaml', grafanaProviders],
  ];
  return new Map(contents.map(([path, content]) => [path, `${JSON.stringify(content, null, 2)}\n`]));
}
