import { userInfo } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import type { Tidemark } from '../client.js';
import { DIMENSIONS, type Dimension } from '../core/logins/insights.js';
import { CLEAN_DEFAULTS } from '../core/logins/plan.js';
import { cleanTopic, deadLetterTopic, insightsTopic, LOGINS_JOB, LOGINS_TOPIC } from '../core/names.js';
import type { CleanInput } from '../messages.js';
import { describeClean, describeCleanEnd, describeInsights } from './clean-text.js';
import { wholeNumber } from './numbers.js';
import { startOf, type StartAt } from './start-of.js';
import { withTidemark } from './with-tidemark.js';

interface JobFlags {
  readonly job: string;
  readonly json?: true;
}

interface StartFlags extends JobFlags {
  readonly topic: string;
  readonly from: StartAt;
  readonly untilEnd?: true;
  readonly slices: number;
  readonly provisional: number;
  readonly lateness: number;
  readonly filter?: string;
  readonly sharedDevice: number;
  readonly hopping: number;
  readonly burst: number;
  readonly newestVersion?: string;
  readonly entries: number;
  readonly allowGaps?: true;
  readonly wait?: true;
}

/** Cleaning logins, as a job: `tidemark clean start|status|stop|insights`. */
export function addClean(program: Command): void {
  const clean = program
    .command('clean')
    .description('validate, transform and filter logins; dead letters, counts and alerts beside them');
  const defaults = CLEAN_DEFAULTS;
  common(clean.command('start').description('clean a topic of logins as a durable job, exactly once'))
    .option(
      '--topic <name>',
      'topic of logins; what is made of it goes to topics named after it',
      LOGINS_TOPIC,
    )
    .option('--from <start>', 'beginning, end, or an ISO time', startOf, 'beginning')
    .option('--until-end', 'end where the topic ends now, instead of following it')
    .option('--slices <n>', 'units that may run side by side on several workers', wholeNumber(1), 1)
    .option('--provisional <seconds>', 'pause between results not final yet; 0 for none', wholeNumber(0), 5)
    .option('--lateness <seconds>', 'how late a login may be', wholeNumber(0), defaults.latenessS)
    .option('--filter <cel>', 'only what this says of the clean record, e.g. value.device_type != "web"')
    .option(
      '--shared-device <n>',
      'alert: so many users on a device',
      wholeNumber(2),
      defaults.sharedDeviceUsers,
    )
    .option('--hopping <n>', 'alert: so many devices of a user', wholeNumber(2), defaults.hoppingDevices)
    .option('--burst <n>', 'alert: so many logins of a user', wholeNumber(2), defaults.burstLogins)
    .option('--newest-version <n.n.n>', 'alert: a version above it')
    .option(
      '--entries <n>',
      'users, and devices, followed for alerts at most',
      wholeNumber(1),
      defaults.entries,
    )
    .option('--allow-gaps', 'go on behind messages that the topic has lost')
    .option('--wait', 'stay until the cleaning is over')
    .action((flags: StartFlags) => withTidemark(program, (tidemark) => startClean(tidemark, flags)));

  common(clean.command('status').description('how far a cleaning is, and whether its identity holds')).action(
    ({ job, json }: JobFlags) =>
      withTidemark(program, async (tidemark) => {
        const status = await tidemark.clean.status(job);
        console.log(json ? JSON.stringify(status) : describeClean(status));
      }),
  );

  common(
    clean
      .command('stop')
      .description('end a cleaning at its next commit; start it with the same options and it goes on'),
  ).action(({ job, json }: JobFlags) =>
    withTidemark(program, async (tidemark) => {
      const result = await tidemark.clean.stop(job);
      console.log(json ? JSON.stringify(result) : describeCleanEnd(result));
    }),
  );

  common(
    clean
      .command('insights')
      .description('the newest windows and alerts, and the identity, read from ClickHouse'),
  )
    .option('--by <dimension>', DIMENSIONS.join(', '), dimension, 'all')
    .option('--limit <n>', 'how many of each', wholeNumber(1, 1_000_000), 10)
    .action((flags: JobFlags & { by: Dimension; limit: number }) =>
      withTidemark(program, async (tidemark) => {
        const { job, by, limit, json } = flags;
        const insights = await tidemark.clean.insights({ job, dimension: by, limit });
        console.log(json ? JSON.stringify(insights) : describeInsights(insights));
      }),
    );
}

const common = (command: Command): Command =>
  command.option('--job <name>', 'name of the job', LOGINS_JOB).option('--json', 'the answer as JSON');

async function startClean(tidemark: Tidemark, flags: StartFlags): Promise<void> {
  const { job, json } = flags;
  await tidemark.clean.start(inputOf(flags));
  if (flags.wait === undefined) {
    console.log(
      json
        ? JSON.stringify({ job, workflowId: `clean/${job}` })
        : `cleaning ${job} is running (tidemark clean status --job ${job})`,
    );
    return;
  }
  const result = await tidemark.clean.wait(job);
  console.log(json ? JSON.stringify(result) : describeCleanEnd(result));
}

const inputOf = (flags: StartFlags): CleanInput => ({
  job: flags.job,
  source: flags.topic,
  clean: cleanTopic(flags.topic),
  dlq: deadLetterTopic(flags.topic),
  insights: insightsTopic(flags.topic),
  from: flags.from,
  bounded: flags.untilEnd === true,
  latenessS: flags.lateness,
  sharedDeviceUsers: flags.sharedDevice,
  hoppingDevices: flags.hopping,
  burstLogins: flags.burst,
  entries: flags.entries,
  slices: flags.slices,
  provisionalMs: 1_000 * flags.provisional,
  allowGaps: flags.allowGaps === true,
  requestedBy: `${userInfo().username} (cli)`,
  ...(flags.filter !== undefined && { filter: flags.filter }),
  ...(flags.newestVersion !== undefined && { newestVersion: flags.newestVersion }),
});

function dimension(text: string): Dimension {
  const known = DIMENSIONS.find((name) => name === text);
  if (known === undefined) throw new InvalidArgumentError(DIMENSIONS.join(', '));
  return known;
}
