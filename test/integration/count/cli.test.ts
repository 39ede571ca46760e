import assert from 'node:assert/strict';
import type { UniqueUsersResult } from '../../../src/core/uniques-result.js';
import type { ExactCount } from '../../../src/generate/frames-answer.js';
import type { CountResult, CountStatus } from '../../../src/messages.js';
import { waitUntil } from '../../../src/wait-until.js';
import { assertOneLine, jsonLines } from '../../support/cli.js';
import { useJobStack } from '../../support/use-job-stack.js';

const FRAMES = 20_000;

describe('tidemark count of a topic', function () {
  this.timeout(180_000);
  this.slow(60_000);
  const { cli, json, file } = useJobStack();

  it('writes frames to a topic, counts them to their end, and shows what ClickHouse has of it', async () => {
    const answer = file('answer.jsonl');
    const sizes = ['--frames', String(FRAMES), '--users', '900', '--bytes', '120', '--per-second', '40'];
    const made = await cli('generate', 'frames', '--topic', 'frames', ...sizes, '--answer', answer);
    assert.equal(made.exitCode, 0, made.stderr);
    assert.match(made.stderr, /^20,000 frames, /);

    const run = await cli('count', 'start', 'nightly', '--bounded', '--slices', '2', '--wait');
    assert.equal(run.exitCode, 0, run.stderr);
    assert.match(run.stdout, /^count nightly finished\n {2}20,000 frames, 20,000 counted .*quarantine: none/);
    assert.equal(run.stderr, '', 'no progress without a terminal');

    const exact = (await jsonLines<ExactCount>(answer)).filter(({ window }) => window === 'minute');
    const shown = await waitUntil(
      'every minute in ClickHouse',
      async () => {
        const { stdout } = await cli(
          'count',
          'show',
          'nightly',
          '--window',
          'minute',
          '--limit',
          '100',
          '--json',
        );
        const results = stdout.split('\n').filter((line) => line !== '');
        return (
          results.length === exact.length && results.map((line) => JSON.parse(line) as UniqueUsersResult)
        );
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    );
    const counts = (list: readonly (ExactCount | UniqueUsersResult)[]) =>
      list.map(({ start, end, users, frames }) => [start, end, users, frames]).sort();
    assert.deepEqual(counts(shown), counts(exact));
    assert.ok(shown.every(({ status, error }) => status !== 'provisional' && error === 0));

    const table = await cli('count', 'show', 'nightly', '--window', 'year');
    assert.match(table.stdout, /year .*2016-01-01T00:00:00Z .* 900 .*exact .* 20,000 .*(final|revised)/);
  });

  it('says how a finished count is, and answers a second start with its record', async () => {
    const status = await json<CountStatus>('count', 'status', 'nightly');
    assert.deepEqual(
      [status.state, status.done, status.total, status.counts.read],
      ['finished', String(FRAMES), String(FRAMES), FRAMES],
    );
    const { stdout } = await cli('count', 'status', 'nightly');
    assert.match(
      stdout,
      /^count nightly: finished\n {2}frames \(\d+ partitions, 2 slices\) to unique-users\n/,
    );
    const again = await json<CountResult>(
      'count',
      'start',
      'nightly',
      '--bounded',
      '--slices',
      '2',
      '--wait',
    );
    assert.equal(again.reused, true);
  });

  it('follows a topic until it is stopped, and goes on when started again', async () => {
    const start = ['count', 'start', 'live', '--target', 'live.results', '--provisional', '1'];
    const begun = await cli(...start);
    assert.equal(begun.exitCode, 0, begun.stderr);
    assert.match(begun.stdout, /^count live is running/);
    const counted = (frames: number) =>
      waitUntil(
        `${frames} frames`,
        async () => (await json<CountStatus>('count', 'status', 'live')).counts.read === frames,
        { timeoutMs: 60_000, everyMs: 500 },
      );
    await counted(FRAMES);
    const { exitCode, stdout } = await cli('count', 'stop', 'live');
    assert.equal(exitCode, 0);
    assert.match(stdout, /^count live stopped\n {2}20,000 frames/);
    assert.equal((await json<CountStatus>('count', 'status', 'live')).state, 'stopped');
    const sizes = ['--frames', '1000', '--users', '900', '--bytes', '120', '--from', '1468244840'];
    assert.equal((await cli('generate', 'frames', '--topic', 'frames', ...sizes)).exitCode, 0);
    assert.equal((await cli(...start)).exitCode, 0);
    await counted(FRAMES + 1_000);
    assert.equal((await json<CountResult>('count', 'stop', 'live')).outcome, 'stopped');
  });

  it('says in one line what is wrong', async () => {
    const table: [args: string[], says: RegExp][] = [
      [['count', 'status', 'never'], /\(NO_COUNT\)/],
      [['count', 'stop', 'never'], /\(NO_COUNT\)/],
      [['count', 'start', 'gone', '--topic', 'no.such.topic', '--wait'], /\(TOPIC_MISSING\)/],
      [['count', 'start', 'nightly', '--bounded', '--precision', '10', '--wait'], /\(JOB_EXISTS\)/],
      [['count', 'start', 'b', '--from', 'noon'], /beginning, end, or an ISO time/],
      [['count', 'start', 'b', '--to', 'noon'], /an ISO time/],
      [['count', 'start', 'b', '--from', 'end', '--to', '2016-07-11T13:39:00Z'], /\(BAD_COUNT\)/],
      [['count', 'show', 'live'], /live\.results.*\(NOT_IN_CLICKHOUSE\)/],
      [['count', 'show', 'nightly', '--window', 'decade'], /minute, hour, day/],
      [['generate', 'frames', '--topic', 'no.such.topic', '--frames', '1'], /no\.such\.topic/],
    ];
    for (const [args, says] of table) assertOneLine(await cli(...args), says);
  });
});
