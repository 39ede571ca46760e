import assert from 'node:assert/strict';
import { join } from 'node:path';
import { execa } from 'execa';
import { addDays } from '../../../src/core/day.js';
import { Tidemark, type GoldDayView } from '../../../src/index.js';
import { packageRoot } from '../../../src/package-root.js';
import { FIRST_DAY } from '../../support/gold.js';
import { eventOf } from '../../support/gold-stack.js';
import { useGoldStack } from '../../support/use-gold-stack.js';
import { today } from '../../support/utc-day.js';

describe('tidemark gold', function () {
  this.timeout(120_000);
  const gold = useGoldStack();
  const day = addDays(FIRST_DAY, 60);
  const [busy, idle] = ['7300000000000001', '7300000000000002'];

  before(async () => {
    const { postgres, events } = gold();
    await postgres.query(
      `INSERT INTO users (user_id, full_name, email)
       VALUES ($1, 'Ada Busy', 'ada@example.com'), ($2, 'Bob Idle', 'bob@example.com')`,
      [busy, idle],
    );
    await events.insertMany(
      [
        eventOf('cli-1', busy, 'login', `${day}T01:02:03.004Z`),
        eventOf('cli-2', busy, 'page_view', `${day}T05:06:07.008Z`),
        eventOf('cli-3', busy, 'login', `${day}T03:00:00Z`),
        eventOf('cli-4', idle, 'login', `${day}T04:00:00Z`),
        eventOf('cli-5', '7300000000000003', 'login', `${day}T04:00:00Z`),
      ].map(({ stored }) => stored),
    );
  });

  const cli = (...args: string[]) =>
    execa(
      process.execPath,
      [join(packageRoot, 'dist/src/cli/main.js'), '--data-dir', gold().stack.dataDir, ...args],
      {
        reject: false,
        env: { NO_COLOR: '1' },
      },
    );

  it('runs a day and says what came of it', async () => {
    const { exitCode, stdout, stderr } = await cli('gold', 'run', day);
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(stdout, new RegExp(`^gold of ${day} computed in [\\d.]+ s\n  2 users, 4 events `));
    assert.match(stdout, /not in gold: 1 events of 1 unknown users or of none$/);
    const again = await cli('gold', 'run', day);
    assert.match(again.stdout, new RegExp(`^gold of ${day} is fresh: recorded `));
  });

  it('gives a run as JSON', async () => {
    const { stdout } = await cli('gold', 'run', day, '--force', '--json');
    const run = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([run.day, run.status, run.forced, run.rowsWritten], [day, 'complete', true, '2']);
  });

  it('shows a day as a table, the busiest users first', async () => {
    const { exitCode, stdout } = await cli('gold', 'show', day);
    assert.equal(exitCode, 0);
    const lines = stdout.split('\n');
    assert.equal(lines[0], `gold of ${day}: 2 users, 4 events`);
    const rows = lines
      .filter((line) => line.includes('@example.com'))
      .map((line) => line.trim().split(/ {2,}/));
    assert.deepEqual(rows, [
      [busy, 'Ada Busy', 'ada@example.com', '3', '01:02:03.004', '05:06:07.008', 'login 2, page_view 1'],
      [idle, 'Bob Idle', 'bob@example.com', '1', '04:00:00.000', '04:00:00.000', 'login 1'],
    ]);
  });

  it('shows a day as JSON', async () => {
    const { stdout } = await cli('gold', 'show', day, '--json', '--limit', '1');
    const view = JSON.parse(stdout) as GoldDayView;
    assert.deepEqual([view.users, view.events, view.rows.length], ['2', '4', 1]);
    assert.deepEqual(view.rows[0], {
      user_id: busy,
      full_name: 'Ada Busy',
      email: 'ada@example.com',
      user_is_deleted: 0,
      total_events: '3',
      first_event_at: `${day}T01:02:03.004Z`,
      last_event_at: `${day}T05:06:07.008Z`,
      events_by_type: { login: '2', page_view: '1' },
    });
  });

  it('says that a day was never computed', async () => {
    const { stdout } = await cli('gold', 'show', '2001-01-01');
    assert.equal(stdout, 'gold of 2001-01-01: never computed (tidemark gold run 2001-01-01)');
  });

  const refused: [string, string[], RegExp][] = [
    ['an unparsable day', ['gold', 'run', '31.12.2024'], /reading the day "31\.12\.2024".*\(BAD_DAY\)$/],
    ['a day that is none', ['gold', 'show', '2024-02-30'], /reading the day "2024-02-30".*\(BAD_DAY\)$/],
    [
      'a stack that is not up',
      ['--data-dir', '/nonexistent', 'gold', 'run', '2024-01-01'],
      /no stack is set up there.*\(NO_STACK\)$/,
    ],
  ];
  for (const [what, args, line] of refused) {
    it(`refuses ${what} with one line and an exit code`, () => isRefused(args, line));
  }

  it('refuses a day in the future, and one that is not over, likewise', async () => {
    const day = await today();
    await isRefused(['gold', 'run', addDays(day, 1)], /the day is in the future .*\(DAY_IN_FUTURE\)$/);
    await isRefused(['gold', 'run', day], /the day is not over .*\(DAY_UNFINISHED\)$/);
  });

  async function isRefused(args: string[], line: RegExp): Promise<void> {
    const { exitCode, stdout, stderr } = await cli(...args);
    assert.deepEqual([exitCode, stdout], [1, '']);
    assert.match(stderr, line);
    assert.equal(stderr.split('\n').length, 1);
  }

  it('tells a wrong password and an unreachable host apart, in one line', async () => {
    const { config } = gold().stack;
    const wrong = new Tidemark({ ...config, clickhouse: { ...config.clickhouse, password: 'wrong' } });
    const elsewhere = new Tidemark({
      ...config,
      clickhouse: { ...config.clickhouse, url: 'http://127.0.0.1:1' },
      temporal: { ...config.temporal, address: '127.0.0.1:1' },
    });
    try {
      await assert.rejects(wrong.gold.show({ day }), { code: 'CLICKHOUSE_REFUSED', message: /the password/ });
      await assert.rejects(elsewhere.gold.show({ day }), { code: 'CLICKHOUSE_UNREACHABLE' });
      await assert.rejects(elsewhere.gold.run({ day }), { code: 'TEMPORAL_UNREACHABLE' });
    } finally {
      await Promise.all([wrong.close(), elsewhere.close()]);
    }
  });
});
