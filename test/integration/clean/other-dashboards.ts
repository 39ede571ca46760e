import assert from 'node:assert/strict';
import { connectClickHouse } from '../../../src/clients/clickhouse.js';
import type { Config } from '../../../src/config.js';
import { EVENTS_TOPIC } from '../../../src/core/names.js';
import type { Cell } from '../../../src/dashboards/look.js';
import type { ServedDashboard } from './dashboard.js';

const DAY = '2026-01-05';
const RANGE = `from=${DAY}T00:00:00Z&to=2026-01-06T00:00:00Z`;
const at = (time: string): string => `${DAY}T${time}Z`;

/** The panels of gold, unique users and pipeline, over rows written here: each of their decisions has one that it must not show, too. */
export async function assertOtherDashboards(dashboard: ServedDashboard, config: Config): Promise<void> {
  const clickhouse = connectClickHouse(config);
  try {
    for (const [table, values] of [...GOLD, ...UNIQUES, ...PIPELINE]) {
      await clickhouse.insert({
        table,
        values: [...values],
        format: 'JSONEachRow',
        clickhouse_settings: { date_time_input_format: 'best_effort' },
      });
    }
  } finally {
    await clickhouse.close();
  }
  for (const [slug, expected] of Object.entries(EXPECTED)) {
    const shown = await dashboard.rows(slug, RANGE);
    assert.deepEqual([...shown.keys()], Object.keys(expected));
    for (const [title, rows] of Object.entries(expected)) {
      const first = shown.get(title)!.map((row) => row.slice(0, rows[0]?.length));
      assert.deepEqual(first, rows, `${slug}: ${title}`);
    }
    assert.doesNotMatch(await dashboard.page(slug, RANGE), /class="error"/);
  }
}

type Rows = readonly [table: string, values: readonly object[]];

const run = (day: string, time: string, status: string, more: object = {}): object => ({
  day,
  run_id: `${day}/${time}`,
  attempt: 1,
  status,
  is_final: 1,
  unknown_events: 3,
  positions: { [EVENTS_TOPIC]: { '0': 10 } },
  started_at: at(time),
  ...(status !== 'running' && { finished_at: at(time) }),
  duration_ms: 500,
  ...more,
});
const reach = (day: string, partition: number, last_offset: number): object => ({
  day,
  partition,
  last_offset,
  last_ingested_at: at('12:00:00'),
});

const GOLD: readonly Rows[] = [
  [
    'ops_gold_runs',
    [
      run('2025-12-31', '01:00:00', 'complete'),
      run('2026-01-01', '01:30:00', 'failed'),
      run('2026-01-01', '02:00:00', 'complete', { duration_ms: 700 }),
      run('2026-01-02', '03:00:00', 'complete'),
      run('2026-01-03', '04:00:00', 'complete', { is_final: 0, forced: 1 }),
      run('2026-01-04', '05:00:00', 'failed', { error_code: 'SILVER_INCOMPLETE' }),
      run('2026-01-05', '06:00:00', 'running'),
    ],
  ],
  [
    'silver_event_days',
    [
      // A cut after the run; a message that the run had seen; one that it had not; one of a day that is not over.
      reach('2025-12-31', -1, 0),
      reach('2026-01-01', 0, 9),
      reach('2026-01-02', 0, 10),
      reach('2026-01-03', 0, 5),
      reach('2026-01-04', 0, 5),
      reach('2026-01-05', 0, 5),
      reach('2026-01-06', 0, 5),
    ],
  ],
];

const unique = (window: string, start: string, users: number, more: object = {}): object => ({
  job: 'shown',
  window,
  start,
  end: start,
  field: '',
  users,
  error: 0,
  frames: 9,
  status: 'final',
  emitted_at: start,
  offset: 1,
  ...more,
});

const UNIQUES: readonly Rows[] = [
  [
    'unique_users_results',
    [
      unique('minute', at('01:00:00'), 7, { status: 'provisional' }),
      // The newest result counts.
      unique('minute', at('01:00:00'), 8, { offset: 2 }),
      unique('minute', at('01:00:00'), 2, { field: 'device' }),
      unique('minute', at('01:01:00'), 5, { status: 'provisional' }),
      unique('hour', at('01:00:00'), 9, { error: 0.0081 }),
      unique('day', at('00:00:00'), 11),
      unique('day', '2026-01-06T00:00:00Z', 1),
    ],
  ],
  [
    'frames_quarantine',
    [1, 2, 2, 3].map((offset) => ({
      reason: offset < 3 ? 'IMPOSSIBLE_TIME' : 'MALFORMED',
      topic: 'shown',
      partition: 0,
      offset,
      kafka_time: at('01:00:00'),
    })),
  ],
];

const times = (time: string, lagMs: number): object => ({
  ingested_at: at(time),
  source_time: new Date(Date.parse(at(time)) - lagMs).toISOString(),
});

const PIPELINE: readonly Rows[] = [
  [
    'silver_users',
    [
      { user_id: 1, version: 1, ...times('01:00:10', 40) },
      { user_id: 2, version: 1, ...times('01:00:50', 250) },
      { user_id: 3, version: 1, ...times('01:02:00', 90) },
    ],
  ],
  [
    'silver_events',
    // Of a day far from those above.
    [
      {
        day: '2026-02-01',
        event_id: 'e1',
        user_id: 1,
        version: 1,
        partition: 0,
        offset: 1,
        ...times('01:02:30', 1_500),
      },
    ],
  ],
  [
    'bronze_errors',
    [1, 2].map((offset) => ({
      topic: EVENTS_TOPIC,
      partition: 0,
      offset,
      reason: 'not JSON',
      raw: '',
      ingested_at: at(offset === 1 ? '23:59:59' : '00:00:00'),
    })),
  ],
];

const EXPECTED: Readonly<Record<string, Readonly<Record<string, Cell[][]>>>> = {
  gold: {
    'Days whose last attempt failed': [['1']],
    'Days being computed': [['1']],
    'Days computed': [['4']],
    'Events of unknown users': [['12']],
    'Days that silver is ahead of': [
      ['2026-01-05', 'never computed', '2026-01-05T12:00:00.000Z', null],
      ['2026-01-04', 'never computed', '2026-01-05T12:00:00.000Z', null],
      ['2026-01-03', 'not final', '2026-01-05T12:00:00.000Z', '2026-01-05T04:00:00.000Z'],
      ['2026-01-02', 'silver changed', '2026-01-05T12:00:00.000Z', '2026-01-05T03:00:00.000Z'],
      ['2025-12-31', 'silver changed', '2026-01-05T12:00:00.000Z', '2026-01-05T01:00:00.000Z'],
    ],
    'Duration of runs': [
      [at('01:00:00'), 'duration', '500'],
      [at('02:00:00'), 'duration', '700'],
      [at('03:00:00'), 'duration', '500'],
      [at('04:00:00'), 'duration', '500'],
    ],
    'Runs of the range': [
      ['2026-01-05', 'running'],
      ['2026-01-04', 'failed'],
      ['2026-01-03', 'complete'],
      ['2026-01-02', 'complete'],
      ['2026-01-01', 'complete'],
      ['2026-01-01', 'failed'],
      ['2025-12-31', 'complete'],
    ],
  },
  uniques: {
    'Windows of the range': [['5']],
    'Still open': [['1']],
    'Largest error': [[0.0081]],
    'Frames in quarantine': [['3']],
    'Unique users per minute': [
      [at('01:00:00'), 'shown', '8'],
      [at('01:00:00'), 'shown device', '2'],
      [at('01:01:00'), 'shown', '5'],
    ],
    'Unique users per hour': [[at('01:00:00'), 'shown', '9']],
    'Unique users per day': [[at('00:00:00'), 'shown', '11']],
    'Quarantine by reason': [
      ['shown', 'IMPOSSIBLE_TIME', '2'],
      ['shown', 'MALFORMED', '1'],
    ],
    'Windows that begin in the range': [
      ['shown', 'minute', at('01:01:00')],
      ['shown', 'hour', at('01:00:00')],
      ['shown', 'minute', at('01:00:00')],
      ['shown', 'minute', at('01:00:00')],
      ['shown', 'day', at('00:00:00')],
    ],
  },
  pipeline: {
    'Messages that could not be read': [['2']],
    'Rows a minute': [
      [at('01:00:00'), 'silver_users', '2'],
      [at('01:02:00'), 'silver_events', '1'],
      [at('01:02:00'), 'silver_users', '1'],
    ],
    'From the source to silver': [
      [at('01:00:00'), 'silver_users', '250'],
      [at('01:02:00'), 'silver_events', '1500'],
      [at('01:02:00'), 'silver_users', '90'],
    ],
    'Unreadable messages by reason': [[EVENTS_TOPIC, 'not JSON', '2']],
  },
};
