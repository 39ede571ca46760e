/** Panels declared once: Grafana's files are made from them (`grafana.ts`), and the control worker serves them as a page. */
export interface Dashboard {
  /** Its place in addresses and file names. */
  readonly slug: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
}

export type Panel = StatPanel | TablePanel | TimeSeriesPanel;

interface AnyPanel {
  readonly title: string;
  readonly description: string;
  /**
   * One SELECT in which `{database}` stands for the database, and ClickHouse's parameters `{from:DateTime}` and `{to:DateTime}` for the
   * range looked at, `[from, to)`.
   */
  readonly sql: string;
  /** Of the 24 columns of a row. */
  readonly width: 6 | 12 | 24;
}

/** One row of one column: a number. */
export interface StatPanel extends AnyPanel {
  readonly kind: 'stat';
  readonly unit: Unit;
  /** Red when greater, green otherwise; without it no colour says anything. */
  readonly redAbove?: number;
}

export interface TablePanel extends AnyPanel {
  readonly kind: 'table';
  /** Of columns that are not plain counts, text or times. */
  readonly units?: Readonly<Record<string, Unit>>;
  /** A column that is 1 where the row is sound and 0 where it is not, which makes the row red. */
  readonly verdict?: string;
}

/** Columns `time` (DateTime), `series` (text) and `value`, ordered by time. */
export interface TimeSeriesPanel extends AnyPanel {
  readonly kind: 'timeseries';
  readonly unit: Unit;
  /** Distance of two neighbours in time, ms; a line breaks where there is more. */
  readonly stepMs: number;
}

/** `ratio`: 1 is 100 %. */
export type Unit = 'count' | 'ratio' | 'ms';

/** The statement with its database; its parameters stay. */
export const sqlOf = (panel: Panel, database: string): string =>
  panel.sql.replaceAll('{database}', database).trim();
