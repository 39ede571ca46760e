import type { Dashboard, Panel, TablePanel } from './dashboard.js';

/** Rows of a table, and lines of a chart, that a person still reads. */
const MOST_ROWS = 100;
const MOST_VALUES = 20;
const MOST_LINES = 8;
const MINUTE_MS = 60_000;

const IN_RANGE = 'start >= {from:DateTime} AND start < {to:DateTime}';

const numbers: readonly Panel[] = [
  {
    kind: 'stat',
    title: 'Partitions whose identity is broken',
    description:
      'Must be 0: where read is not clean + dlq + filtered, messages were lost or doubled. The job has ended itself.',
    width: 6,
    unit: 'count',
    redAbove: 0,
    sql: 'SELECT countIf(NOT holds) AS broken FROM {database}.login_identity',
  },
  {
    kind: 'stat',
    title: 'Messages read',
    description: 'By all jobs, since each began.',
    width: 6,
    unit: 'count',
    sql: 'SELECT sum(read) AS messages FROM {database}.login_identity',
  },
  {
    kind: 'stat',
    title: 'Dead letters',
    description: 'By all jobs, since each began. `tidemark dlq list` says which of them were redriven.',
    width: 6,
    unit: 'count',
    sql: 'SELECT sum(dlq) AS letters FROM {database}.login_identity',
  },
  {
    kind: 'stat',
    title: 'Alerts',
    description: 'That began in the range.',
    width: 6,
    unit: 'count',
    sql: `SELECT count() AS alerts FROM {database}.login_alerts WHERE ${IN_RANGE}`,
  },
];

const identity: Panel = {
  kind: 'table',
  title: 'Identity per partition: read = clean + dlq + filtered',
  description:
    'Of the messages of [start_offset, next_offset). unaccounted is read − clean − dlq − filtered.',
  width: 24,
  verdict: 'holds',
  sql: `
SELECT job, partition, start_offset, next_offset, read, clean, dlq, filtered,
       toInt64(read) - toInt64(clean) - toInt64(dlq) - toInt64(filtered) AS unaccounted, holds, emitted_at
FROM {database}.login_identity
ORDER BY holds, job, partition`,
};

/** `column` is a map of the view: reason to messages of a partition. */
const byReason = (title: string, description: string, column: string): TablePanel => ({
  kind: 'table',
  title,
  description,
  width: 12,
  units: { share_of_read: 'ratio' },
  sql: `
SELECT job, reason, messages, messages / all_read AS share_of_read
FROM (SELECT job, sumMap(${column}) AS reasons, sum(read) AS all_read FROM {database}.login_identity GROUP BY job)
ARRAY JOIN mapKeys(reasons) AS reason, mapValues(reasons) AS messages
ORDER BY messages DESC, job, reason
LIMIT ${MOST_ROWS}`,
});

const perMinute = (title: string, description: string, value: 'logins' | 'users'): Panel => ({
  kind: 'timeseries',
  title,
  description,
  width: 12,
  unit: 'count',
  stepMs: MINUTE_MS,
  sql: `
SELECT start AS time, job AS series, ${value} AS value
FROM {database}.login_insights
WHERE dimension = 'all' AND ${IN_RANGE}
ORDER BY time, series`,
});

const byValue = (name: string, dimension: 'device_type' | 'app_version' | 'locale'): readonly Panel[] => [
  {
    kind: 'timeseries',
    title: `Logins a minute by ${name}`,
    description: `The ${MOST_LINES} most frequent of the range; the rest is (others).`,
    width: 12,
    unit: 'count',
    stepMs: MINUTE_MS,
    sql: `
WITH windows AS (
         SELECT start, job, value AS name, logins
         FROM {database}.login_insights
         WHERE dimension = '${dimension}' AND ${IN_RANGE}
     ),
     top AS (SELECT job, name FROM windows GROUP BY job, name ORDER BY sum(logins) DESC, job, name LIMIT ${MOST_LINES})
SELECT start AS time, concat(job, ': ', if((job, name) IN top, name, '(others)')) AS series, sum(logins) AS value
FROM windows
GROUP BY time, series
ORDER BY time, series`,
  },
  {
    kind: 'table',
    title: `By ${name}`,
    description: 'Of the range. Users are counted per minute: the most in one of its minutes.',
    width: 12,
    units: { share: 'ratio' },
    sql: `
SELECT job, value AS ${dimension}, sum(windows.logins) AS logins,
       logins / sum(logins) OVER (PARTITION BY job) AS share, max(windows.users) AS most_users
FROM {database}.login_insights AS windows
WHERE dimension = '${dimension}' AND ${IN_RANGE}
GROUP BY job, value
ORDER BY logins DESC, job, value
LIMIT ${MOST_VALUES}`,
  },
];

const alerts: Panel = {
  kind: 'table',
  title: 'Alerts of the range',
  description: `The newest ${MOST_ROWS}. The count is of users on a device, devices of a user, logins of a user, or versions of a device.`,
  width: 24,
  sql: `
SELECT start, end, job, alert, subject, count, arrayStringConcat(members, ', ') AS among_them, status
FROM {database}.login_alerts
WHERE ${IN_RANGE}
ORDER BY start DESC, job, alert, subject
LIMIT ${MOST_ROWS}`,
};

export const loginsDashboard: Dashboard = {
  slug: 'logins',
  title: 'Logins',
  description: 'Cleaning the login stream: what became of every message, and what is seen in the clean ones.',
  panels: [
    ...numbers,
    identity,
    byReason(
      'Dead letters by reason',
      'Since the job began; docs/logins.md tells the reasons.',
      'dlq_reasons',
    ),
    byReason(
      'Filtered by reason',
      'Left out on purpose: neither clean nor a dead letter.',
      'filtered_reasons',
    ),
    perMinute('Logins a minute', 'Clean ones, by the time that they carry.', 'logins'),
    perMinute('Unique users a minute', 'Exact up to 2,048 in a minute, then estimated.', 'users'),
    ...byValue('device type', 'device_type'),
    ...byValue('app version', 'app_version'),
    ...byValue('locale', 'locale'),
    alerts,
  ],
};
