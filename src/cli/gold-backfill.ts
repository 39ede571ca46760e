import { userInfo } from 'node:os';
import { SingleBar } from 'cli-progress';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { GoldBackfillOptions } from '../client/gold-backfill.js';
import { parseDay } from '../core/day.js';
import type { BackfillSelection, ChangeReason, PlannedDay } from '../core/gold-days.js';
import type { GoldBackfillProgress, GoldBackfillResult } from '../messages.js';
import { plainTable } from './table.js';
import { withTidemark } from './with-tidemark.js';

interface Flags {
  readonly missing?: true;
  readonly stale?: true | ChangeReason[];
  readonly all?: true;
  readonly dryRun?: true;
  readonly parallel?: number;
  readonly gateTimeout?: number;
  readonly pause?: true;
  readonly resume?: true;
  readonly cancel?: true;
  readonly json?: true;
}

const REASON_WORDS: Readonly<Record<string, ChangeReason>> = { users: 'users-changed', code: 'code-changed' };

export function addGoldBackfill(gold: Command, program: Command): void {
  gold
    .command('backfill')
    .description('compute the days of a range that need it, newest first; the same range again attaches')
    .argument('<from>', 'first UTC day as YYYY-MM-DD')
    .argument('<to>', 'last UTC day, included')
    .option('--missing', 'days never computed (default: these and the stale ones)')
    .option(
      '--stale [also]',
      'days whose silver changed since; also: users, code (as in --stale=users,code)',
      also,
    )
    .option('--all', 'every day, whether or not its result stands')
    .option('--dry-run', 'only list the days and why')
    .option('--parallel <days>', 'days computed at once (default: 4)', wholeNumber)
    .option(
      '--gate-timeout <seconds>',
      'how long to wait for silver to be complete (default: 600)',
      wholeNumber,
    )
    .addOption(steering('--pause', 'start no further day of the backfill under way'))
    .addOption(steering('--resume', 'go on after --pause'))
    .addOption(steering('--cancel', 'end the backfill under way; the days it has begun are finished'))
    .option('--json', 'the result as JSON')
    .action((from: string, to: string, flags: Flags) =>
      backfill(program, parseDay(from), parseDay(to), flags),
    );
}

const STEERING = ['pause', 'resume', 'cancel'];
const OTHERS = ['missing', 'stale', 'all', 'dryRun', 'parallel', 'gateTimeout', 'json'];

const steering = (flag: string, description: string): Option =>
  new Option(flag, description).conflicts([...STEERING.filter((name) => `--${name}` !== flag), ...OTHERS]);

async function backfill(program: Command, from: string, to: string, flags: Flags): Promise<void> {
  const dates = { from, to };
  await withTidemark(program, async ({ gold }) => {
    if (flags.pause) {
      await gold.pauseBackfill(dates);
      return say(`backfill of ${from} to ${to}: paused after the days under way`);
    }
    if (flags.resume) {
      await gold.resumeBackfill(dates);
      return say(`backfill of ${from} to ${to}: goes on`);
    }
    if (flags.cancel) {
      await gold.cancelBackfill(dates);
      return say(`backfill of ${from} to ${to}: ends after the days under way`);
    }
    const options = optionsOf(dates, flags);
    if (flags.dryRun) {
      const days = await gold.planBackfill(options);
      return say(flags.json ? JSON.stringify(days) : describePlan(days));
    }
    const bar = progressBar(flags);
    const waiting = gold.backfill({ ...options, ...(bar && { onProgress: bar.show }) });
    const result = await waiting.finally(() => bar?.end());
    say(flags.json ? JSON.stringify(result) : describeBackfill(result));
  });
}

const say = (line: string): void => console.log(line);

function optionsOf(dates: { from: string; to: string }, flags: Flags): GoldBackfillOptions {
  const { missing, stale, all, parallel, gateTimeout } = flags;
  const named = missing ?? stale ?? all;
  const selection: Partial<BackfillSelection> = {
    missing: missing ?? false,
    stale: stale !== undefined,
    also: Array.isArray(stale) ? stale : [],
    all: all ?? false,
  };
  return {
    ...dates,
    requestedBy: `${userInfo().username} (cli)`,
    ...(named !== undefined && { selection }),
    ...(parallel !== undefined && { parallelism: parallel }),
    ...(gateTimeout !== undefined && { gateTimeoutMs: gateTimeout * 1_000 }),
  };
}

export function describePlan(days: readonly PlannedDay[]): string {
  if (days.length === 0) return 'nothing to compute';
  const table = plainTable(['day', 'why']);
  for (const { day, reasons } of days) table.push([day, reasons.join(', ')]);
  return `${table.toString()}\n${days.length} days to compute, newest first`;
}

export function describeBackfill(result: GoldBackfillResult): string {
  const { from, to, planned, computed, reused, startedAtMs, finishedAtMs } = result;
  if (planned === 0) return `backfill of ${from} to ${to}: nothing to compute`;
  const seconds = ((finishedAtMs - startedAtMs) / 1_000).toFixed(1);
  const fresh = reused === 0 ? '' : `, ${reused} were fresh by then`;
  return `backfill of ${from} to ${to}: ${computed} of ${planned} days computed${fresh}, in ${seconds} s`;
}

/** On terminals only; elsewhere the result speaks. */
function progressBar({
  json,
}: Flags): { show: (progress: GoldBackfillProgress) => void; end: () => void } | undefined {
  if (json || !process.stderr.isTTY) return undefined;
  const format = '{step} {bar} {done} of {total} days{failures} {eta_text} {detail}';
  const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, autopadding: false });
  bar.start(1, 0, { step: 'starting', done: 0, failures: '', eta_text: '', detail: '' });
  return {
    show: ({ step, detail, planned, computed, reused, failedDays, etaMs }) => {
      const done = computed + reused + failedDays;
      bar.setTotal(Math.max(1, planned));
      const etaText = etaMs === null ? '' : `done about ${new Date(etaMs).toISOString().slice(11, 19)}Z`;
      const failures = failedDays === 0 ? '' : `, ${failedDays} failed`;
      bar.update(done, { step, done, failures, eta_text: etaText, detail });
    },
    end: () => bar.stop(),
  };
}

function also(text: string): ChangeReason[] {
  return text.split(',').map((word) => {
    const reason = REASON_WORDS[word.trim()];
    if (reason === undefined)
      throw new InvalidArgumentError(`expected ${Object.keys(REASON_WORDS).join(' or ')}`);
    return reason;
  });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0');
  return Number(text);
}
