import assert from 'node:assert/strict';
import { addDays, daysBetween } from '../../../src/core/day.js';
import type {
  GoldBackfillProgress,
  GoldBackfillResult,
  GoldDayState,
  PlannedDay,
} from '../../../src/index.js';
import { waitUntil } from '../../../src/wait-until.js';
import { assertOneLine, tidemark, type Ran } from '../../support/cli.js';
import { useGoldStack } from '../../support/use-gold-stack.js';

/** Days of its own: the stack is shared. */
const [FROM, TO] = ['2019-03-01', '2019-03-04'];
const DAYS = daysBetween(FROM, addDays(TO, 1));
/** Enough days to be busy until it is told otherwise. */
const LONG = { from: '2016-01-01', to: '2017-06-30' };

describe('tidemark gold backfill', function () {
  this.timeout(120_000);
  const gold = useGoldStack();

  const cli = (...args: string[]): Promise<Ran> =>
    tidemark(['--data-dir', gold().stack.dataDir, 'gold', ...args]);

  async function json<T>(...args: string[]): Promise<T> {
    const { exitCode, stdout, stderr } = await cli(...args, '--json');
    assert.deepEqual([exitCode, stderr], [0, '']);
    return JSON.parse(stdout) as T;
  }

  it('--dry-run lists the days and why, newest first, and computes none', async () => {
    const plan = await json<PlannedDay[]>('backfill', FROM, TO, '--dry-run');
    assert.deepEqual(
      plan,
      [...DAYS].reverse().map((day) => ({ day, force: false, reasons: ['never-computed'] })),
    );
    const { stdout } = await cli('backfill', FROM, TO, '--all', '--dry-run');
    assert.match(stdout, new RegExp(`${TO} +never-computed[^]*${FROM} +never-computed[^]*4 days to compute`));
    assert.deepEqual(await json('backfill', FROM, TO, '--stale', '--dry-run'), []);
    const days = await json<GoldDayState[]>('status', FROM, TO);
    assert.deepEqual(
      days.map(({ day, state, stale, rows, computedAtMs }) => [day, state, ...stale, rows, computedAtMs]),
      DAYS.map((day) => [day, 'missing', 'never-computed', '0', null]),
    );
  });

  it('computes them, says so, and status shows it', async () => {
    const first = await cli('backfill', FROM, TO, '--missing', '--parallel', '2');
    assert.deepEqual([first.exitCode, first.stderr], [0, '']);
    assert.match(
      first.stdout,
      new RegExp(`^backfill of ${FROM} to ${TO}: 4 of 4 days computed, in [\\d.]+ s$`),
    );
    const again = await json<GoldBackfillResult>('backfill', FROM, TO);
    assert.deepEqual([again.planned, again.computed, again.failed], [0, 0, []]);
    const { stdout } = await cli('status', FROM, TO);
    assert.match(stdout, new RegExp(`${FROM} +complete +0 [^]*4 complete$`));
    const days = await json<GoldDayState[]>('status', FROM, TO);
    assert.ok(days.every(({ state, computedAtMs }) => state === 'complete' && computedAtMs !== null));
  });

  it('--pause, --resume and --cancel steer the one under way', async () => {
    const dates = [LONG.from, LONG.to];
    const waiting = cli('backfill', ...dates, '--json');
    let last: GoldBackfillProgress | undefined;
    const until = (what: string, is: (progress: GoldBackfillProgress) => boolean) =>
      waitUntil(what, () => Promise.resolve(last !== undefined && is(last)), { timeoutMs: 60_000 });
    // The same range attaches to it.
    const joined = gold().tidemark.gold.backfill({ ...LONG, onProgress: (progress) => (last = progress) });
    joined.catch(() => undefined);
    await until('the first days', ({ computed }) => computed > 0);
    const range = `backfill of ${dates.join(' to ')}`;
    assert.equal(
      (await cli('backfill', ...dates, '--pause')).stdout,
      `${range}: paused after the days under way`,
    );
    await until('the pause', ({ step, detail }) => step === 'paused' && detail === '');
    const { computed } = last!;
    const days = await json<GoldDayState[]>('status', ...dates);
    assert.equal(days.filter(({ state }) => state === 'complete').length, computed);
    assert.equal((await cli('backfill', ...dates, '--resume')).stdout, `${range}: goes on`);
    await until('further days', (progress) => progress.computed > computed);
    assertOneLine(
      await cli('backfill', ...dates, '--all'),
      /another selection is under way \(BACKFILL_RUNNING\)$/,
    );
    assert.equal(
      (await cli('backfill', ...dates, '--cancel')).stdout,
      `${range}: ends after the days under way`,
    );
    assertOneLine(await waiting, /the workflow was cancelled \(WORKFLOW_ENDED\)$/);
    await assert.rejects(joined, { code: 'WORKFLOW_ENDED' });
    for (const flag of ['--pause', '--resume', '--cancel']) {
      assertOneLine(await cli('backfill', ...dates, flag), /none is under way \(NO_BACKFILL\)$/);
    }
    const left = await json<GoldDayState[]>('status', ...dates);
    assert.deepEqual(new Set(left.map(({ state }) => state)), new Set(['missing', 'complete']));
  });
});
