import { InvalidArgumentError, type Command } from 'commander';
import { dataDirectory, loadConfig, type Config } from '../config.js';
import { addDays, dayOf, parseDay, type Day } from '../core/day.js';
import { PipelineError } from '../core/errors.js';
import { EVENT_DEFAULTS, eventOptions, USER_DEFAULTS, userOptions } from '../generate/options.js';
import type { EventOptions, UserOptions } from '../generate/options.js';
import type { Generated, RunOptions } from '../generate/run.js';
import { GenerateProgress } from './generate-progress.js';
import { number } from './numbers.js';

const DEFAULT_DAYS = 7;
/** Slow enough to watch, quick enough that something happens. */
const CONTINUOUS_RATE = 50;
/** What a shell reports for a command that Ctrl-C ended before it was done: 128 + SIGINT. */
const INTERRUPTED = 130;

interface Flags {
  seed: number;
  from?: Day;
  days?: number;
  rate?: number;
  continuous?: boolean;
  replace?: boolean;
  answer?: string;
  json?: boolean;
  users?: number;
  events?: number;
  [share: string]: number | string | boolean | undefined;
}

export function addGenerate(program: Command): void {
  const generate = program
    .command('generate')
    .description('write realistic users and events into the sources, with the exact expected answer');

  addUserShares(addCommon(generate.command('users')), '')
    .description('insert, update, delete, re-insert users and change their keys in PostgreSQL public.users')
    .action((flags: Flags) => {
      const options = usersFrom(flags, '');
      return perform(program, flags, async (config, run) => {
        const { generateUsers } = await import('../generate/generate.js');
        return [await generateUsers(config, options, run)];
      });
    });

  addUserShares(addEventShares(addCommon(generate.command('events'))), 'user-')
    .description('insert, correct, move and delete events of those users in MongoDB commerce.events')
    .action((flags: Flags) => {
      const options = bothFrom(flags);
      return perform(program, flags, async (config, run) => {
        const { generateEvents } = await import('../generate/generate.js');
        return [await generateEvents(config, options, run)];
      });
    });

  addUserShares(addEventShares(addCommon(generate.command('all'))), 'user-')
    .description('users, then events (together with --continuous), and one answer to both')
    .action((flags: Flags) => {
      const options = bothFrom(flags);
      return perform(program, flags, async (config, run) => {
        const { generateAll } = await import('../generate/generate.js');
        const { users, events } = await generateAll(config, options, run);
        return [users, events];
      });
    });
}

function addCommon(command: Command): Command {
  return command
    .option('--seed <n>', 'the same seed gives the same rows; each seed has keys of its own', number, 1)
    .option('--users <n>', `users to insert, or whom the events are of (${USER_DEFAULTS.users})`, number)
    .option('--from <day>', 'first UTC day (default: so that the last day is yesterday)', parseDay)
    .option('--days <n>', `how many days (default: ${DEFAULT_DAYS})`, number)
    .option('--rate <n>', `operations per second at most (with --continuous: ${CONTINUOUS_RATE})`, rate)
    .option('--continuous', 'go on at the present time until Ctrl-C')
    .option('--replace', 'delete the rows of this seed first; without it, other rows of the seed are refused')
    .option('--answer <file>', 'write what silver and gold must hold to this file')
    .option('--json', 'one JSON object on stdout');
}

function addUserShares(command: Command, prefix: string): Command {
  const { updateShare, deleteShare, reinsertShare, changeKeyShare } = USER_DEFAULTS;
  return command
    .option(`--${prefix}update-share <share>`, `updates per user (${updateShare})`, number)
    .option(`--${prefix}delete-share <share>`, `deletes per user (${deleteShare})`, number)
    .option(`--${prefix}reinsert-share <share>`, `of the deleted: inserted again (${reinsertShare})`, number)
    .option(
      `--${prefix}change-key-share <share>`,
      `primary key changes per user (${changeKeyShare})`,
      number,
    );
}

function addEventShares(command: Command): Command {
  const defaults = EVENT_DEFAULTS;
  return command
    .option('--events <n>', `events to insert (${defaults.events})`, number)
    .option('--late-share <share>', `written on a later day than their own (${defaults.lateShare})`, number)
    .option('--unknown-share <share>', `of users that never were (${defaults.unknownShare})`, number)
    .option('--update-share <share>', `corrections per event (${defaults.updateShare})`, number)
    .option('--delete-share <share>', `deletes per event (${defaults.deleteShare})`, number)
    .option('--reinsert-share <share>', `of the deleted: inserted again (${defaults.reinsertShare})`, number)
    .option('--move-share <share>', `moved to another day (${defaults.moveShare})`, number)
    .option('--idle-share <share>', `of the users: without any event (${defaults.idleShare})`, number);
}

async function perform(
  program: Command,
  flags: Flags,
  work: (config: Config, run: RunOptions) => Promise<Generated[]>,
): Promise<void> {
  if (flags.continuous === true && (flags.from !== undefined || flags.days !== undefined)) {
    throw new PipelineError(
      'BAD_OPTIONS',
      'reading the options: --continuous writes at the present time, without --from and --days',
    );
  }
  const dataDir = dataDirectory(program.opts<{ dataDir?: string }>().dataDir, process.env);
  const config = loadConfig(dataDir, process.env);
  const stop = new AbortController();
  // Once only: a second Ctrl-C ends the process at once.
  process.once('SIGINT', () => stop.abort());
  const progress = new GenerateProgress();
  try {
    const results = await work(config, {
      rate: flags.rate ?? (flags.continuous === true ? CONTINUOUS_RATE : undefined),
      continuous: flags.continuous ?? false,
      replace: flags.replace ?? false,
      answerFile: flags.answer,
      signal: stop.signal,
      onProgress: progress.show,
    });
    progress.end();
    report(results, flags);
    if (flags.continuous !== true && results.some(({ outcome }) => outcome === 'stopped')) {
      process.exitCode = INTERRUPTED;
    }
  } finally {
    progress.end();
  }
}

function report(results: readonly Generated[], flags: Flags): void {
  if (flags.json === true) {
    console.log(JSON.stringify({ generated: results, answerFile: flags.answer ?? null }));
    return;
  }
  for (const result of results) console.log(describeGenerated(result));
  if (flags.answer !== undefined) console.log(`the exact answer is in ${flags.answer}`);
}

export function describeGenerated({
  source,
  seed,
  outcome,
  operations,
  elapsedMs,
  ...rest
}: Generated): string {
  if (outcome === 'already there')
    return `${source}: seed ${seed} is there already, row by row; nothing written`;
  const kinds = Object.entries(operations).map(([kind, count]) => `${count} ${kind}`);
  const speed = `${(elapsedMs / 1_000).toFixed(1)} s, ${Math.round(rest.operationsPerSecond)} rows/s`;
  return `${source}: ${outcome} ${rest.writtenOperations} operations (${kinds.join(', ')}) in ${speed}`;
}

function bothFrom(flags: Flags): { users: UserOptions; events: EventOptions } {
  const shares = ['late', 'unknown', 'update', 'delete', 'reinsert', 'move', 'idle'];
  const given = Object.fromEntries(shares.map((share) => [`${share}Share`, flags[`${share}Share`]]));
  return {
    users: usersFrom(flags, 'user'),
    events: eventOptions({ ...daysOf(flags), ...given, ...defined('events', flags.events) }),
  };
}

function usersFrom(flags: Flags, prefix: '' | 'user'): UserOptions {
  const shares = ['updateShare', 'deleteShare', 'reinsertShare', 'changeKeyShare'];
  const flagOf = (share: string): string =>
    prefix === '' ? share : `${prefix}${share.charAt(0).toUpperCase()}${share.slice(1)}`;
  const given = Object.fromEntries(shares.map((share) => [share, flags[flagOf(share)]]));
  return userOptions({ ...daysOf(flags), ...given, ...defined('users', flags.users) });
}

const defined = <Name extends string>(
  name: Name,
  value: number | undefined,
): Partial<Record<Name, number>> => (value === undefined ? {} : ({ [name]: value } as Record<Name, number>));

/** The days of a run; the clock is asked here, once, and the answer file records what came of it. */
function daysOf({ seed, from, days = DEFAULT_DAYS }: Flags): { seed: number; from: Day; days: number } {
  const whole = Number.isInteger(days) ? days : 0;
  return { seed, from: from ?? addDays(dayOf(Date.now()), -whole), days };
}

function rate(text: string): number {
  const value = number(text);
  if (value <= 0) throw new InvalidArgumentError('expected a number above 0');
  return value;
}
