import { userInfo } from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Tidemark } from '../client.js';
import { DaysFailedError, type GoldBackfillOptions } from '../client/gold-backfill.js';
import { parseDay } from '../core/day.js';
import type { BackfillSelection, ChangeReason } from '../core/gold-days.js';
import { openBackfillBar } from './gold-backfill-bar.js';
import { describeBackfill, describeFailedDays, describePlan } from './gold-backfill-text.js';
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
    await compute(gold, options, flags.json ?? false);
  });
}

/** What came of it is told also where days failed: they are named, then the command fails. */
async function compute(gold: Tidemark['gold'], options: GoldBackfillOptions, json: boolean): Promise<void> {
  const bar = json || !process.stderr.isTTY ? undefined : openBackfillBar(process.stderr);
  try {
    const waiting = gold.backfill({ ...options, ...(bar && { onProgress: bar.show }) });
    const result = await waiting.finally(() => bar?.end());
    say(json ? JSON.stringify(result) : describeBackfill(result));
  } catch (error) {
    if (error instanceof DaysFailedError) {
      say(json ? JSON.stringify(error.result) : describeFailedDays(error.result));
    }
    throw error;
  }
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
