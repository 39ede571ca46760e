import type { Dashboard, Panel } from './dashboard.js';

const MOST_ROWS = 100;
const MINUTE_MS = 60_000;

const IN_RANGE = 'ingested_at >= {from:DateTime} AND ingested_at < {to:DateTime}';
const TABLES = ['users', 'events'] as const;

/** Of both sources: `select` of one, by its name. */
const ofBoth = (select: (name: (typeof TABLES)[number]) => string): string =>
  TABLES.map(select).join('\nUNION ALL\n');

const perMinute = (title: string, description: string, value: string, unit: 'count' | 'ms'): Panel => ({
  kind: 'timeseries',
  title,
  description,
  width: 12,
  unit,
  stepMs: MINUTE_MS,
  sql: `
SELECT time, series, value
FROM (
${ofBoth(
  (
    name,
  ) => `SELECT toStartOfMinute(toDateTime(ingested_at, 'UTC')) AS time, 'silver_${name}' AS series, ${value} AS value
FROM {database}.silver_${name}
WHERE ${IN_RANGE}
GROUP BY time`,
)}
)
ORDER BY time, series`,
});

export const pipelineDashboard: Dashboard = {
  slug: 'pipeline',
  title: 'Pipeline',
  description:
    'From the sources to silver: rows by when ClickHouse wrote them, how long they were on the way, and what could not be read.',
  panels: [
    {
      kind: 'stat',
      title: 'Messages that could not be read',
      description: 'In the range; in bronze_errors, none lost.',
      width: 6,
      unit: 'count',
      redAbove: 0,
      sql: `SELECT count() AS messages FROM {database}.bronze_errors FINAL WHERE ${IN_RANGE}`,
    },
    perMinute(
      'Rows a minute',
      'Versions of rows written to silver; merges leave the newest of each.',
      'count()',
      'count',
    ),
    perMinute(
      'From the source to silver',
      'The 99th percentile of a minute, from the commit (users) or the second of the write (events).',
      "toUInt64(greatest(0, quantileExact(0.99)(date_diff('millisecond', source_time, ingested_at))))",
      'ms',
    ),
    {
      kind: 'table',
      title: 'Unreadable messages by reason',
      description: 'Of the range. No reason quotes a message.',
      width: 24,
      sql: `
SELECT topic, reason, count() AS messages, max(ingested_at) AS newest
FROM {database}.bronze_errors FINAL
WHERE ${IN_RANGE}
GROUP BY topic, reason
ORDER BY messages DESC, topic, reason
LIMIT ${MOST_ROWS}`,
    },
  ],
};
