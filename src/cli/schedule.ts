import { userInfo } from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { GoldScheduleOptions, GoldScheduleView, ScheduleClient } from '../client/schedule.js';
import { colours } from './colours.js';
import { withTidemark } from './with-tidemark.js';

interface ApplyFlags {
  readonly at?: string;
  readonly last?: number;
  readonly catchUp?: number;
  readonly json?: true;
}

type Json = Pick<ApplyFlags, 'json'>;

export function addSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('gold every day, by the Temporal schedule gold-daily');
  const who = (): string => `${userInfo().username} (cli)`;
  /** Does it, and shows how the schedule is set then. */
  const then = (json: true | undefined, act: (schedule: ScheduleClient) => Promise<void>): Promise<void> =>
    withTidemark(program, async ({ schedule }) => {
      await act(schedule);
      const view = await schedule.show();
      console.log(json ? JSON.stringify(view) : describeSchedule(view));
    });

  schedule
    .command('apply')
    .description(
      'create the schedule, or change what is named of the one there is; a paused one stays paused',
    )
    .option('--at <HH:MM>', 'time of the day, UTC (of a new schedule: 00:30)')
    .option(
      '--last <days>',
      'days looked at: the previous one, then the missing and stale ones (of a new schedule: 7)',
      above0,
    )
    .option(
      '--catch-up <hours>',
      'how late a missed run is still made up for (of a new schedule: 48)',
      above0,
    )
    .addOption(asJson())
    .action(({ at, last, catchUp, json }: ApplyFlags) => {
      const options: GoldScheduleOptions = {
        ...(at !== undefined && { at }),
        ...(last !== undefined && { lastDays: last }),
        ...(catchUp !== undefined && { catchUpHours: catchUp }),
      };
      return then(json, (schedule) => schedule.apply(options));
    });
  schedule
    .command('show')
    .description('when it runs, how it is set, what it did last')
    .addOption(asJson())
    .action(({ json }: Json) => then(json, () => Promise.resolve()));
  schedule
    .command('pause')
    .description('start no further run by the clock; those due until it is resumed are not made up for')
    .option('--note <text>', 'why, for who looks at it later')
    .addOption(asJson())
    .action(({ note, json }: Json & { note?: string }) =>
      then(json, (schedule) => schedule.pause(note === undefined ? who() : `${who()}: ${note}`)),
    );
  schedule
    .command('resume')
    .description('go on after a pause, by hand or by a run that failed')
    .addOption(asJson())
    .action(({ json }: Json) => then(json, (schedule) => schedule.resume(who())));
  schedule
    .command('trigger')
    .description('run it now, or right after the run under way (one at most waits); also when it is paused')
    .addOption(asJson())
    .action(({ json }: Json) => then(json, (schedule) => schedule.trigger()));
}

const asJson = (): Option => new Option('--json', 'the schedule as JSON');

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
