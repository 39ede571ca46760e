import { EVENTS_TOPIC } from '../names.js';
import type { Dashboard, Panel } from './dashboard.js';

const MOST_ROWS = 100;
/** Runs of a day lie a day apart, or less. */
const DAY_MS = 86_400_000;

const STARTED_IN_RANGE = 'started_at >= {from:DateTime} AND started_at < {to:DateTime}';

/** Per day the attempt under way, else the one that ended last. */
const LAST_ATTEMPTS = `
SELECT day, status
FROM {database}.ops_gold_runs FINAL
ORDER BY day, finished_at IS NULL DESC, finished_at DESC, stage DESC
LIMIT 1 BY day`;

/** Per day the run whose rows gold holds. */
const STANDING = `
SELECT day, run_id, is_final, started_at, positions['${EVENTS_TOPIC}'] AS events_read
FROM {database}.ops_gold_runs FINAL
WHERE status = 'complete'
ORDER BY day, finished_at DESC, attempt DESC
LIMIT 1 BY day`;

const daysBy = (title: string, description: string, status: string, redAbove?: number): Panel => ({
  kind: 'stat',
  title,
  description,
  width: 6,
  unit: 'count',
  ...(redAbove !== undefined && { redAbove }),
  sql: `SELECT countIf(status = '${status}') AS days FROM (${LAST_ATTEMPTS})`,
});

export const goldDashboard: Dashboard = {
  slug: 'gold',
  title: 'Gold',
  description:
    'Days of gold_user_activity: which are computed, how long it took, and what silver has had since.',
  panels: [
    daysBy('Days whose last attempt failed', 'Must be 0: `tidemark gold status` says why.', 'failed', 0),
    daysBy(
      'Days being computed',
      'Attempts under way, or whose worker is gone and that wait for another.',
      'running',
    ),
    daysBy('Days computed', 'Whose last attempt completed.', 'complete'),
    {
      kind: 'stat',
      title: 'Events of unknown users',
      description: 'In silver, and not in gold, of the runs that started in the range.',
      width: 6,
      unit: 'count',
      sql: `SELECT sum(unknown_events) AS events FROM {database}.ops_gold_runs FINAL WHERE status = 'complete' AND ${STARTED_IN_RANGE}`,
    },
    {
      kind: 'table',
      title: 'Days that silver is ahead of',
      description:
        'Before the last day of the range: never computed, computed before the day was complete, or touched by silver since. `tidemark gold status` looks closer.',
      width: 12,
      sql: `
SELECT reached.day AS day,
       multiIf(standing.run_id = '', 'never computed', NOT standing.is_final, 'not final', 'silver changed') AS state,
       max(reached.last_ingested_at) AS silver_changed_at, nullIf(any(standing.started_at), toDateTime64(0, 3, 'UTC')) AS computed_at
FROM (
    SELECT day, partition, max(last_offset) AS last_offset, max(last_ingested_at) AS last_ingested_at
    FROM {database}.silver_event_days
    WHERE day < toDate({to:DateTime}, 'UTC')
    GROUP BY day, partition
) AS reached
LEFT JOIN (${STANDING}) AS standing ON standing.day = reached.day
WHERE standing.run_id = '' OR NOT standing.is_final
   OR if(reached.partition < 0, reached.last_ingested_at >= standing.started_at,
         reached.last_offset >= standing.events_read[reached.partition])
GROUP BY day, state
ORDER BY day DESC
LIMIT ${MOST_ROWS}`,
    },
    {
      kind: 'timeseries',
      title: 'Duration of runs',
      description: 'By when they started.',
      width: 12,
      unit: 'ms',
      stepMs: DAY_MS,
      sql: `
SELECT toDateTime(started_at) AS time, 'duration' AS series, max(duration_ms) AS value
FROM {database}.ops_gold_runs FINAL
WHERE status = 'complete' AND ${STARTED_IN_RANGE}
GROUP BY time
ORDER BY time`,
    },
    {
      kind: 'table',
      title: 'Runs of the range',
      description: `The newest ${MOST_ROWS} attempts.`,
      width: 24,
      units: { duration_ms: 'ms' },
      sql: `
SELECT day, toString(status) AS status, started_at, duration_ms, rows_read, rows_written, events, unknown_users, unknown_events,
       if(is_final, 'yes', 'no') AS was_final, if(forced, 'yes', 'no') AS was_forced, requested_by, error_code
FROM {database}.ops_gold_runs FINAL
WHERE ${STARTED_IN_RANGE}
ORDER BY started_at DESC, day, run_id, attempt DESC
LIMIT ${MOST_ROWS}`,
    },
  ],
};
