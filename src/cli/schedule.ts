import { userInfo } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import type { GoldScheduleOptions, GoldScheduleView } from '../client/schedule.js';
import { colours } from './colours.js';
import { withTidemark } from './with-tidemark.js';

interface ApplyFlags {
  readonly at?: string;
  readonly last?: number;
  readonly catchUp?: number;
}

export function addSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('gold every day, by the Temporal schedule gold-daily');
  const who = (): string => `${userInfo().username} (cli)`;

  schedule
    .command('apply')
    .description('create the schedule, or change the one there is; a paused one stays paused')
    .option('--at <HH:MM>', 'time of the day, UTC (default: 00:30)')
    .option(
      '--last <days>',
      'days looked at: the previous one, then the missing and stale ones (default: 7)',
      above0,
    )
    .option('--catch-up <hours>', 'how late a missed run is still made up for (default: 48)', above0)
    .action(({ at, last, catchUp }: ApplyFlags) =>
      withTidemark(program, async (tidemark) => {
        const options: GoldScheduleOptions = {
          ...(at !== undefined && { at }),
          ...(last !== undefined && { lastDays: last }),
          ...(catchUp !== undefined && { catchUpHours: catchUp }),
        };
        await tidemark.schedule.apply(options);
        console.log(describeSchedule(await tidemark.schedule.show()));
      }),
    );
  schedule
    .command('show')
    .description('when it runs, how it is set, what it did last')
    .option('--json', 'the schedule as JSON')
    .action(({ json }: { json?: true }) =>
      withTidemark(program, async (tidemark) => {
        const view = await tidemark.schedule.show();
        console.log(json ? JSON.stringify(view) : describeSchedule(view));
      }),
    );
  schedule
    .command('pause')
    .description('start no further run')
    .option('--note <text>', 'why, for who looks at it later')
    .action(({ note }: { note?: string }) =>
      withTidemark(program, ({ schedule }) =>
        schedule.pause(note === undefined ? who() : `${who()}: ${note}`),
      ),
    );
  schedule
    .command('resume')
    .description('go on after a pause')
    .action(() => withTidemark(program, ({ schedule }) => schedule.resume(who())));
  schedule
    .command('trigger')
    .description('run it now')
    .action(() => withTidemark(program, ({ schedule }) => schedule.trigger()));
}

export function describeSchedule(view: GoldScheduleView): string {
  const { at, lastDays, catchUpHours, paused, pauseOnFailure, overlap, note, nextAtMs, recent } = view;
  const next = paused ? colours.yellow('paused') : `next ${nextAtMs.map(instant).join(', ')}`;
  return [
    `gold-daily: at ${at} UTC, the last ${lastDays} days; ${next}`,
    `  overlap ${overlap}, catch-up ${catchUpHours} h, ${pauseOnFailure ? 'pauses' : 'goes on'} when a run fails`,
    ...(note === '' ? [] : [`  note: ${note}`]),
    ...recent.map(({ atMs, workflowId }) => `  ran ${instant(atMs)}: ${workflowId}`),
  ].join('\n');
}

const instant = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, 19)}Z`;

function above0(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0');
  return Number(text);
}
