import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { ShownInsights } from '../../../src/client/clean.js';
import type { LoginAnswer, PartitionAnswer } from '../../../src/generate/logins-answer.js';
import type { CleanResult, CleanStatus } from '../../../src/messages.js';
import { waitUntil } from '../../../src/wait-until.js';
import { assertOneLine, jsonLines } from '../../support/cli.js';
import { useJobStack } from '../../support/use-job-stack.js';
import { assertDashboard, ServedDashboard } from './dashboard.js';
import { assertOtherDashboards } from './other-dashboards.js';

const MESSAGES = 20_000;
const START = ['clean', 'start', '--provisional', '1'];

describe('tidemark clean', function () {
  this.timeout(240_000);
  this.slow(60_000);
  const { stack, cli, json, file } = useJobStack();
  let answers: LoginAnswer[];

  const partitions = (): PartitionAnswer[] =>
    answers.flatMap((one) => (one.type === 'partition' ? [one] : []));
  const read = (messages: number) =>
    waitUntil(
      `${messages} messages`,
      async () => (await json<CleanStatus>('clean', 'status')).counts.read === messages,
      { timeoutMs: 60_000, everyMs: 500 },
    );

  it('follows the topic of logins; its status is the identity of every partition, as generated', async () => {
    const begun = await cli(...START);
    assert.equal(begun.exitCode, 0, begun.stderr);
    assert.match(begun.stdout, /^cleaning logins is running/);
    const answer = file('answer.jsonl');
    const options = ['--messages', String(MESSAGES), '--rate', '20', '--answer', answer];
    const made = await cli('generate', 'logins', ...options);
    assert.equal(made.exitCode, 0, made.stderr);
    answers = await jsonLines<LoginAnswer>(answer);

    await read(MESSAGES);
    const status = await json<CleanStatus>('clean', 'status');
    assert.equal(status.identityHolds, true);
    for (const { partition, clean, dlq, filtered, read: all } of partitions()) {
      const found = status.partitions.find((one) => one.partition === partition)!;
      assert.deepEqual([found.read, found.offset, found.clean], [all, all, clean]);
      assert.deepEqual([found.dlqReasons, found.filteredReasons], [dlq, filtered]);
    }
    const { stdout } = await cli('clean', 'status');
    assert.match(
      stdout,
      /^cleaning logins: running\n {2}user-login \(4 partitions, 1 slices\) to user-login\.clean/,
    );
    assert.match(stdout, /read = clean \+ dlq \+ filtered holds in every partition/);
  });

  it('has every window, alert, identity and clean record in ClickHouse', async () => {
    // The end of the topic is the end of time only for a cleaning that has one.
    const windows = answers.flatMap((one) =>
      one.type === 'window' && one.dimension === 'device_type' ? [one] : [],
    );
    const ask = ['clean', 'insights', '--by', 'device_type', '--limit', '100000'];
    const shown = await waitUntil(
      'all windows',
      async () => {
        const found = await json<ShownInsights>(...ask);
        const logins = found.windows.reduce((sum, one) => sum + one.logins, 0);
        return logins === windows.reduce((sum, one) => sum + one.logins, 0) && found;
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    );
    const rows = (list: readonly { start: string; value: string; logins: number; users: number }[]) =>
      list
        .map(({ start, value, logins, users }) =>
          [start.replace('.000Z', 'Z'), value, logins, users].join(' '),
        )
        .sort();
    assert.deepEqual(rows(shown.windows), rows(windows));
    const alerts = answers.flatMap((one) => (one.type === 'alert' ? [`${one.kind} ${one.subject}`] : []));
    assert.deepEqual(
      [...new Set(shown.alerts.map(({ alert, subject }) => `${alert} ${subject}`))].sort(),
      [...new Set(alerts)].sort(),
    );
    assert.deepEqual(
      shown.identity.map(({ partition, read: all, clean, holds }) => [partition, all, clean, holds]),
      partitions().map(({ partition, read: all, clean }) => [partition, all, clean, true]),
    );
    const { stdout } = await cli('clean', 'insights');
    assert.match(stdout, /│ all .*│ (SHARED_DEVICE|DEVICE_HOPPING|BURST|IMPOSSIBLE_VERSION) .*│ partition /s);

    const clean = partitions().reduce((sum, one) => sum + one.clean, 0);
    const sql = file('clean.sql');
    await writeFile(
      sql,
      `SELECT toUInt32(count()) AS logins, toUInt32(uniqExact(source_partition, source_offset)) AS messages,
              max(source_partition) AS last FROM \${database}.clean_logins;`,
    );
    await waitUntil(
      'every clean record',
      async () => {
        const { stdout: found } = await cli('sql', sql, '--json');
        return found === JSON.stringify({ logins: clean, messages: clean, last: 3 });
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    );
  });

  it('has a dashboard of which every panel is the exact answer, and on which a broken identity is red', async () => {
    const { config } = stack();
    const dashboard = await ServedDashboard.open(config);
    try {
      await assertDashboard(dashboard, config, answers);
      await assertOtherDashboards(dashboard, config);
    } finally {
      await dashboard.close();
    }
  });

  it('stops at a commit, and goes on when started again', async () => {
    const stopped = await cli('clean', 'stop');
    assert.equal(stopped.exitCode, 0, stopped.stderr);
    assert.match(stopped.stdout, /^cleaning logins stopped\n/);
    assert.equal((await json<CleanStatus>('clean', 'status')).state, 'stopped');
    // Two hours later, so that nothing is late.
    const more = ['--messages', '1000', '--rate', '20', '--seed', '2', '--from', '2026-11-20T11:00:00Z'];
    assert.equal((await cli('generate', 'logins', ...more)).exitCode, 0);
    assert.equal((await cli(...START)).exitCode, 0);
    await read(MESSAGES + 1_000);
    const end = await json<CleanResult>('clean', 'stop');
    assert.equal(end.outcome, 'stopped');
  });

  it('ends where the topic ends when told to, and answers a second start with its record', async () => {
    const start = ['clean', 'start', '--job', 'whole', '--topic', 'other-login', '--until-end', '--wait'];
    const options = ['--topic', 'other-login', '--messages', '3000', '--partitions', '3'];
    assert.equal((await cli('generate', 'logins', ...options)).exitCode, 0);
    const first = await json<CleanResult>(...start, '--filter', 'value.device_type != "web"');
    assert.deepEqual([first.outcome, first.reused], ['finished', false]);
    const filtered = Object.entries(first.counts).filter(([name]) => name.endsWith('/filtered/FILTERED'));
    assert.ok(filtered.reduce((sum, [, count]) => sum + count, 0) > 300);
    const again = await json<CleanResult>(...start, '--filter', 'value.device_type != "web"');
    assert.deepEqual([again.reused, again.counts], [true, first.counts]);
  });

  it('says in one line what is wrong', async () => {
    const table: [args: string[], says: RegExp][] = [
      [['clean', 'status', '--job', 'never'], /\(NO_CLEANING\)/],
      [['clean', 'stop', '--job', 'never'], /\(NO_CLEANING\)/],
      [['clean', 'start', '--job', 'gone', '--topic', 'no.such.topic', '--wait'], /\(TOPIC_MISSING\)/],
      [['clean', 'start', '--job', 'whole', '--topic', 'other-login', '--wait'], /\(JOB_EXISTS\)/],
      [['clean', 'start', '--filter', 'value.'], /\(BAD_CLEAN\)/],
      [['clean', 'start', '--newest-version', 'two'], /\(BAD_CLEAN\)/],
      [['clean', 'insights', '--by', 'moon'], /device_type/],
    ];
    for (const [args, says] of table) assertOneLine(await cli(...args), says);
  });
});
