import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import type { GoldScheduleView } from '../../../src/index.js';
import { assertOneLine, tidemark, type Ran } from '../../support/cli.js';
import { ScheduleRuns } from '../../support/schedule-runs.js';
import { useGoldStack } from '../../support/use-gold-stack.js';

describe('tidemark schedule', function () {
  this.timeout(60_000);
  const gold = useGoldStack();
  const me = `${userInfo().username} (cli)`;
  let runs: ScheduleRuns;

  before(async () => {
    runs = await ScheduleRuns.open(gold().stack.config);
  });

  after(() => runs.close());

  const cli = (...args: string[]): Promise<Ran> =>
    tidemark(['--data-dir', gold().stack.dataDir, 'schedule', ...args]);

  async function json(...args: string[]): Promise<GoldScheduleView> {
    const { exitCode, stdout, stderr } = await cli(...args, '--json');
    assert.deepEqual([exitCode, stderr], [0, '']);
    return JSON.parse(stdout) as GoldScheduleView;
  }

  it('refuses in one line where there is no schedule', async () => {
    for (const args of [['show'], ['pause'], ['resume', '--json'], ['trigger']]) {
      assertOneLine(
        await cli(...args),
        /there is none \(tidemark schedule apply makes it\) \(NO_SCHEDULE\)$/,
      );
    }
  });

  it('refuses options that make no sense', async () => {
    const refused: [string[], RegExp][] = [
      [['--at', '24:00'], /the time "24:00"; expected HH:MM \(BAD_SCHEDULE\)$/],
      [['--last', '367'], /the last 367 days; from 1 to 366 .*\(BAD_SCHEDULE\)$/],
      [['--last', '0'], /expected a whole number above 0/],
      [['--catch-up', 'soon'], /expected a whole number above 0/],
    ];
    for (const [args, says] of refused) assertOneLine(await cli('apply', ...args), says);
    assertOneLine(await cli('show'), /\(NO_SCHEDULE\)$/);
  });

  it('apply makes it, and says how it is set', async () => {
    const { exitCode, stdout, stderr } = await cli('apply', '--at', '03:15', '--last', '2');
    assert.deepEqual([exitCode, stderr], [0, '']);
    const lines = stdout.split('\n');
    assert.match(
      lines[0] ?? '',
      /^gold-daily: at 03:15 UTC, the last 2 days; next \d{4}-\d\d-\d\dT03:15:00Z, /,
    );
    assert.equal(lines[1], '  overlap BUFFER_ONE, catch-up 48 h, pauses when a run fails');
    const { at, lastDays, catchUpHours } = await json(
      'apply',
      '--at',
      '03:30',
      '--last',
      '1',
      '--catch-up',
      '6',
    );
    assert.deepEqual([at, lastDays, catchUpHours], ['03:30', 1, 6]);
    const again = await json('apply', '--catch-up', '12');
    assert.deepEqual([again.at, again.lastDays, again.catchUpHours], ['03:30', 1, 12]);
  });

  it('pause and resume say who, why, and what holds then', async () => {
    const paused = await json('pause', '--note', 'a look at ClickHouse');
    assert.deepEqual([paused.paused, paused.note], [true, `${me}: a look at ClickHouse`]);
    const shown = await cli('show');
    assert.match(shown.stdout, /^gold-daily: at 03:30 UTC, the last 1 days; paused$/m);
    assert.match(shown.stdout, /^ {2}note: .* \(cli\): a look at ClickHouse$/m);
    const resumed = await json('resume');
    assert.deepEqual([resumed.paused, resumed.note], [false, me]);
    assert.match((await cli('pause')).stdout, /; paused$/m);
    assert.match((await cli('resume')).stdout, /; next /);
  });

  it('trigger runs it, and show lists the run', async () => {
    await json('trigger');
    const run = await runs.next();
    const { planned, failedDays } = await run.result();
    assert.ok(planned <= 1 && failedDays === 0);
    const { recent, paused, nextAtMs } = await json('show');
    assert.deepEqual([recent.at(-1)?.workflowId, paused, nextAtMs.length], [run.workflowId, false, 3]);
    assert.match((await cli('show')).stdout, new RegExp(`^  ran \\S+Z: ${run.workflowId}$`, 'm'));
    const { staticSummary } = await run.describe();
    assert.equal(await staticSummary(), 'gold of the last 1 days');
  });
});
