import { userInfo } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import { colours } from './colours.js';
import { parseDay } from '../core/day.js';
import type { GoldDayProgress, GoldDayResult, GoldDayView, GoldRun } from '../messages.js';
import { addGoldBackfill } from './gold-backfill.js';
import { addGoldStatus } from './gold-status.js';
import { plainTable } from './table.js';
import { withTidemark } from './with-tidemark.js';

interface RunFlags {
  readonly force?: true;
  readonly gateTimeout?: number;
  readonly json?: true;
}

interface ShowFlags {
  readonly limit: number;
  readonly json?: true;
}

export function addGold(program: Command): void {
  const gold = program.command('gold').description('what each user did on a day (gold_user_activity)');

  gold
    .command('run')
    .description('compute a day; a fresh one answers with its recorded run, a running one is attached to')
    .argument('[date]', 'UTC day as YYYY-MM-DD (default: the previous one)')
    .option('--force', 'compute although the day is fresh, not over, or silver not known to be complete')
    .option('--gate-timeout <seconds>', 'how long to wait for silver to be complete (default: 600)', seconds)
    .option('--json', 'the run as JSON')
    .action((date: string | undefined, flags: RunFlags) => run(program, date, flags));

  gold
    .command('show')
    .description('a day as it stands: its run, its totals, its busiest users')
    .argument('<date>', 'UTC day as YYYY-MM-DD')
    .option('--limit <users>', 'how many users to show', count, 20)
    .option('--json', 'the day as JSON')
    .action((date: string, flags: ShowFlags) => show(program, date, flags));

  addGoldBackfill(gold, program);
  addGoldStatus(gold, program);
}

async function run(program: Command, date: string | undefined, flags: RunFlags): Promise<void> {
  const day = date === undefined ? undefined : parseDay(date);
  await withTidemark(program, async (tidemark) => {
    const result = await tidemark.gold.run({
      requestedBy: `${userInfo().username} (cli)`,
      ...(day !== undefined && { day }),
      ...(flags.force && { force: true }),
      ...(flags.gateTimeout !== undefined && { gateTimeoutMs: flags.gateTimeout * 1_000 }),
      ...(!flags.json && process.stderr.isTTY && { onProgress: showStep }),
    });
    if (!flags.json && process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
    console.log(flags.json ? JSON.stringify(result) : describeResult(result));
  });
}

async function show(program: Command, date: string, flags: ShowFlags): Promise<void> {
  const day = parseDay(date);
  await withTidemark(program, async (tidemark) => {
    const view = await tidemark.gold.show({ day, limit: flags.limit });
    console.log(flags.json ? JSON.stringify(view) : describeView(view));
  });
}

/** Carriage return, erase to the end of the line. */
const CLEAR_LINE = '\r\u001b[K';

function showStep({ day, step }: GoldDayProgress): void {
  const width = process.stderr.columns || 80;
  process.stderr.write(`${CLEAR_LINE}${colours.dim(`${day}: ${step}`.slice(0, width - 1))}`);
}

function describeResult(result: GoldDayResult): string {
  const head = result.reused
    ? `gold of ${result.day} is fresh: recorded ${instant(result.finishedAtMs)} (--force computes it anew)`
    : `gold of ${result.day} computed in ${(result.durationMs / 1_000).toFixed(2)} s`;
  return [head, describeRun(result), ...warnings(result)].join('\n');
}

const describeRun = (run: GoldRun): string =>
  `  ${run.rowsWritten} users, ${run.events} events (${run.rowsRead} rows read)`;

/** What a reader of the day should know. */
function warnings(run: GoldRun): string[] {
  const unknown =
    run.unknownEvents === '0'
      ? []
      : [`  not in gold: ${run.unknownEvents} events of ${run.unknownUsers} unknown users or of none`];
  const partial = run.isFinal
    ? []
    : [colours.yellow('  not final: forced before the day was over or silver complete')];
  return [...unknown, ...partial];
}

export function describeView(view: GoldDayView): string {
  const { run, lastAttempt } = view;
  if (run === null && lastAttempt === null) {
    return `gold of ${view.day}: never computed (tidemark gold run ${view.day})`;
  }
  const lines = [`gold of ${view.day}: ${view.users} users, ${view.events} events`];
  if (run !== null) {
    lines.push(
      `  computed ${instant(run.finishedAtMs)} in ${(run.durationMs / 1_000).toFixed(2)} s by ${run.codeVersion}, for ${run.requestedBy}${run.forced ? ', forced' : ''}`,
      ...warnings(run),
    );
  }
  if (lastAttempt !== null && (lastAttempt.runId !== run?.runId || lastAttempt.attempt !== run.attempt)) {
    const error = lastAttempt.errorCode === '' ? '' : ` (${lastAttempt.errorCode})`;
    lines.push(`  last attempt: ${lastAttempt.status}${error}, begun ${instant(lastAttempt.startedAtMs)}`);
  }
  return view.rows.length === 0 ? lines.join('\n') : [...lines, usersTable(view)].join('\n');
}

function usersTable({ rows, users }: GoldDayView): string {
  const table = plainTable(
    ['user', 'name', 'email', 'events', 'first', 'last', 'by type'],
    ['right', 'left', 'left', 'right'],
  );
  for (const row of rows) {
    table.push([
      row.user_is_deleted === 1 ? `${row.user_id} (deleted)` : row.user_id,
      row.full_name,
      row.email,
      row.total_events,
      row.first_event_at.slice(11, 23),
      row.last_event_at.slice(11, 23),
      Object.entries(row.events_by_type)
        .map(([type, events]) => `${type} ${events}`)
        .join(', '),
    ]);
  }
  const more = BigInt(users) - BigInt(rows.length);
  return more > 0n ? `${table.toString()}\n  and ${more} more users` : table.toString();
}

const instant = (epochMs: number | null): string =>
  epochMs === null ? '-' : `${new Date(epochMs).toISOString().slice(0, 19)}Z`;

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('expected a number of seconds above 0');
  }
  return value;
}

function count(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('expected a whole number up to 999999');
  return Number(text);
}
