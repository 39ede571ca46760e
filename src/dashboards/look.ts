import type { ClickHouseClient } from '@clickhouse/client';
import { serviceFault } from '../clients/fault.js';
import { sqlOf, type Dashboard, type Panel } from '../core/dashboards/dashboard.js';
import type { Range } from '../core/dashboards/range.js';

/** As ClickHouse gives it in JSON: integers of 64 bits are text, times are ISO 8601. */
export type Cell = string | number | boolean | null;

export interface Column {
  readonly name: string;
  /** ClickHouse's. */
  readonly type: string;
}

export interface PanelRows {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What a panel shows: rows, or why there are none. */
export type PanelView = { readonly panel: Panel } & (
  PanelRows | { readonly error: { readonly code: string; readonly message: string } }
);

/** Runs one statement that reads. */
export type Ask = (sql: string, range: Range) => Promise<PanelRows>;

/** A page that asks every few seconds must not keep ClickHouse from its work. */
const LONGEST_SECONDS = 10;
/** A chart of a week's minutes in nine lines has 90,000. */
const MOST_ROWS = 100_000;

export function askClickHouse(clickhouse: Pick<ClickHouseClient, 'query'>): Ask {
  return async (query, { fromMs, toMs }) => {
    const answer = await clickhouse.query({
      query,
      query_params: { from: fromMs / 1_000, to: toMs / 1_000 },
      format: 'JSONCompact',
      clickhouse_settings: {
        readonly: '1',
        max_execution_time: LONGEST_SECONDS,
        max_result_rows: String(MOST_ROWS),
        result_overflow_mode: 'throw',
        max_threads: 2,
        date_time_output_format: 'iso',
        output_format_json_quote_64bit_integers: 1,
        // A fault in the middle of the rows must be an answer with its code, and not a connection that breaks.
        wait_end_of_query: 1,
      },
    });
    const { meta = [], data } = await answer.json<Cell[]>();
    return { columns: meta, rows: data };
  };
}

/** Every panel of a dashboard; one that fails says so, and the others go on. */
export const lookAt = (
  dashboard: Dashboard,
  range: Range,
  database: string,
  ask: Ask,
): Promise<readonly PanelView[]> =>
  Promise.all(
    dashboard.panels.map(async (panel): Promise<PanelView> => {
      try {
        return { panel, ...(await ask(sqlOf(panel, database), range)) };
      } catch (cause) {
        const { code, message } = serviceFault('clickhouse', `reading "${panel.title}"`, cause);
        return { panel, error: { code, message } };
      }
    }),
  );
