import type { Dashboard, Panel } from './dashboard.js';

const MOST_ROWS = 100;
const MINUTE_MS = 60_000;

const IN_RANGE = 'start >= {from:DateTime} AND start < {to:DateTime}';

const usersPer = (window: 'minute' | 'hour' | 'day', stepMs: number): Panel => ({
  kind: 'timeseries',
  title: `Unique users per ${window}`,
  description: 'Of every job and counted field: the newest result of each window.',
  width: 12,
  unit: 'count',
  stepMs,
  sql: `
SELECT start AS time, if(field = '', job, concat(job, ' ', field)) AS series, users AS value
FROM {database}.unique_users
WHERE window = '${window}' AND ${IN_RANGE}
ORDER BY time, series`,
});

export const uniquesDashboard: Dashboard = {
  slug: 'uniques',
  title: 'Unique users',
  description: 'Counting unique users: results of every window, their error, and what could not be counted.',
  panels: [
    {
      kind: 'stat',
      title: 'Windows of the range',
      description: 'With a result.',
      width: 6,
      unit: 'count',
      sql: `SELECT count() AS windows FROM {database}.unique_users WHERE ${IN_RANGE}`,
    },
    {
      kind: 'stat',
      title: 'Still open',
      description: 'Their newest result is provisional.',
      width: 6,
      unit: 'count',
      sql: `SELECT countIf(status = 'provisional') AS windows FROM {database}.unique_users WHERE ${IN_RANGE}`,
    },
    {
      kind: 'stat',
      title: 'Largest error',
      description: 'Relative standard error of a result; 0 while counts are exact.',
      width: 6,
      unit: 'ratio',
      sql: `SELECT maxOrNull(error) AS error FROM {database}.unique_users WHERE ${IN_RANGE}`,
    },
    {
      kind: 'stat',
      title: 'Frames in quarantine',
      description: 'Since the topic began.',
      width: 6,
      unit: 'count',
      sql: 'SELECT count() AS frames FROM {database}.frames_quarantine FINAL',
    },
    usersPer('minute', MINUTE_MS),
    usersPer('hour', 60 * MINUTE_MS),
    usersPer('day', 24 * 60 * MINUTE_MS),
    {
      kind: 'table',
      title: 'Quarantine by reason',
      description: 'Frames that open no window and move no watermark.',
      width: 12,
      sql: `
SELECT topic, reason, count() AS frames, max(kafka_time) AS newest
FROM {database}.frames_quarantine FINAL
GROUP BY topic, reason
ORDER BY frames DESC, topic, reason
LIMIT ${MOST_ROWS}`,
    },
    {
      kind: 'table',
      title: 'Windows that begin in the range',
      description: `The newest ${MOST_ROWS}.`,
      width: 24,
      units: { error: 'ratio' },
      sql: `
SELECT job, window, start, end, field, users, error, frames, status, revision, emitted_at
FROM {database}.unique_users
WHERE ${IN_RANGE}
ORDER BY start DESC, job, window, field
LIMIT ${MOST_ROWS}`,
    },
  ],
};
