import type { Command } from 'commander';
import { addDays, parseDay, previousDay, type Day } from '../core/day.js';
import type { GoldDayState } from '../core/gold-days.js';
import { colours } from './colours.js';
import { plainTable } from './table.js';
import { withTidemark } from './with-tidemark.js';

const DAYS_SHOWN = 14;

export function addGoldStatus(gold: Command, program: Command): void {
  gold
    .command('status')
    .description('every day of a range: missing, complete, stale (and why), running or failed')
    .argument('[from]', `first UTC day as YYYY-MM-DD (default: the last ${DAYS_SHOWN} days)`)
    .argument('[to]', 'last UTC day, included (default: the previous one)')
    .option('--users', 'also look whether users have changed since, which reads gold')
    .option('--json', 'the days as JSON')
    .action((from: string | undefined, to: string | undefined, flags: { users?: true; json?: true }) =>
      status(program, datesOf(from, to, Date.now()), flags),
    );
}

function datesOf(from: string | undefined, to: string | undefined, nowMs: number): { from: Day; to: Day } {
  const last = to === undefined ? previousDay(nowMs) : parseDay(to);
  return { from: from === undefined ? addDays(last, 1 - DAYS_SHOWN) : parseDay(from), to: last };
}

async function status(
  program: Command,
  dates: { from: Day; to: Day },
  { users, json }: { users?: true; json?: true },
): Promise<void> {
  await withTidemark(program, async ({ gold }) => {
    const days = await gold.status({ ...dates, ...(users && { users }) });
    console.log(json ? JSON.stringify(days) : describeStatus(days));
  });
}

const COLOURS = {
  missing: colours.yellow,
  stale: colours.yellow,
  failed: colours.red,
  running: colours.cyan,
  complete: (text: string) => text,
};

export function describeStatus(days: readonly GoldDayState[]): string {
  const table = plainTable(['day', 'state', 'users', 'computed', 'why'], ['left', 'left', 'right']);
  for (const { day, state, rows, computedAtMs, stale, changed, errorCode } of days) {
    const computed = computedAtMs === null ? '-' : `${new Date(computedAtMs).toISOString().slice(0, 19)}Z`;
    const failure = errorCode === '' ? [] : [state === 'complete' ? `last attempt: ${errorCode}` : errorCode];
    const why = [...failure, ...stale, ...changed].join(', ');
    table.push([day, COLOURS[state](state), computedAtMs === null ? '-' : rows, computed, why]);
  }
  const counts = new Map<string, number>();
  for (const { state } of days) counts.set(state, (counts.get(state) ?? 0) + 1);
  return `${table.toString()}\n${[...counts].map(([state, count]) => `${count} ${state}`).join(', ')}`;
}
