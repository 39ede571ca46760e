import { userInfo } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import type { Tidemark } from '../client.js';
import { FRAMES_TOPIC, UNIQUE_USERS_TOPIC } from '../core/names.js';
import { WINDOW_KINDS, type WindowKind } from '../core/window.js';
import type { CountInput } from '../messages.js';
import { choicesOf, withCountRules, type CountRuleFlags } from './count-flags.js';
import type * as CountText from './count-text.js';
import { endOf, startOf, type StartAt } from './start-of.js';
import { wholeNumber } from './numbers.js';

interface StartFlags extends CountRuleFlags {
  readonly topic: string;
  readonly target: string;
  readonly from: StartAt;
  readonly bounded?: true;
  readonly to?: number;
  readonly slices: number;
  readonly provisional: number;
  readonly allowGaps?: true;
  readonly wait?: true;
  readonly json?: true;
}

/** Counting a topic, as a job: `tidemark count start|status|show|stop`. */
export function addCountJobs(count: Command, program: Command): void {
  const start = count
    .command('start')
    .description('count the frames of a topic as a durable job; results go to a topic and to ClickHouse')
    .argument('<name>', 'name of the job: the same name goes on where it was')
    .option('--topic <name>', 'topic of frames', FRAMES_TOPIC)
    .option(
      '--target <name>',
      'topic of results: one for each job that runs beside others',
      UNIQUE_USERS_TOPIC,
    )
    .option('--from <start>', 'beginning, end, or an ISO time', startOf, 'beginning')
    .option('--bounded', 'end where the topic ends now, instead of following it')
    .option(
      '--to <time>',
      'end before the first record of this ISO time or later, or where the topic ends now',
      endOf,
    )
    .option('--slices <n>', 'units that may run side by side on several workers', wholeNumber(1), 1)
    .option('--provisional <seconds>', 'pause between results not final yet; 0 for none', wholeNumber(0), 5)
    .option('--allow-gaps', 'go on behind frames that the topic has lost')
    .option('--wait', 'stay until the count is over, showing how far it is')
    .option('--json', 'the answer as JSON');
  withCountRules(start).action((name: string, flags: StartFlags) =>
    use(program, (tidemark, text) => startCount(tidemark, text, name, flags)),
  );
  count
    .command('status')
    .description('how far a count is')
    .argument('<name>')
    .option('--json', 'the status as JSON')
    .action((name: string, { json }: { json?: true }) =>
      use(program, async (tidemark, { describeStatus }) => {
        const status = await tidemark.count.status(name);
        console.log(json ? JSON.stringify(status) : describeStatus(status));
      }),
    );
  count
    .command('show')
    .description(`the newest results, read from ClickHouse, which has those of topic ${UNIQUE_USERS_TOPIC}`)
    .argument('<name>')
    .option('--window <kind>', WINDOW_KINDS.join(', '), windowKind)
    .option('--limit <n>', 'how many', wholeNumber(1, 1_000_000), 20)
    .option('--json', 'as JSON lines')
    .action((name: string, flags: { window?: WindowKind; limit: number; json?: true }) =>
      use(program, async (tidemark, { describeResults }) => {
        const { window, limit } = flags;
        const results = await tidemark.count.show({ job: name, limit, ...(window && { window }) });
        console.log(
          flags.json ? results.map((one) => JSON.stringify(one)).join('\n') : describeResults(name, results),
        );
      }),
    );
  count
    .command('stop')
    .description('end a count at its next commit; start it again with the same options and it goes on')
    .argument('<name>')
    .option('--json', 'the answer as JSON')
    .action((name: string, { json }: { json?: true }) =>
      use(program, async (tidemark, { describeEnd }) => {
        const result = await tidemark.count.stop(name);
        console.log(json ? JSON.stringify(result) : describeEnd(result));
      }),
    );
}

async function startCount(
  tidemark: Tidemark,
  { describeEnd }: typeof CountText,
  job: string,
  flags: StartFlags,
): Promise<void> {
  const { topic, target, from, slices } = flags;
  const input: CountInput = {
    job,
    source: topic,
    target,
    from,
    bounded: flags.bounded === true,
    ...(flags.to !== undefined && { to: flags.to }),
    ...choicesOf(flags),
    slices,
    provisionalMs: 1_000 * flags.provisional,
    allowGaps: flags.allowGaps === true,
    requestedBy: `${userInfo().username} (cli)`,
  };
  await tidemark.count.start(input);
  if (flags.wait === undefined) {
    console.log(
      flags.json
        ? JSON.stringify({ job, workflowId: `count/${job}` })
        : `count ${job} is running (tidemark count status ${job})`,
    );
    return;
  }
  const { watchCount } = await import('./count-bar.js');
  const result = await watchCount(tidemark, job, flags.json !== true);
  console.log(flags.json ? JSON.stringify(result) : describeEnd(result));
}

/** Client and texts are loaded here only: counting a file needs none of them. */
async function use(
  program: Command,
  act: (tidemark: Tidemark, text: typeof CountText) => Promise<void>,
): Promise<void> {
  const [{ Tidemark: Client }, { dataDirectory, loadConfig }, text] = await Promise.all([
    import('../client.js'),
    import('../config.js'),
    import('./count-text.js'),
  ]);
  const { dataDir } = program.opts<{ dataDir?: string }>();
  const tidemark = new Client(loadConfig(dataDirectory(dataDir, process.env), process.env));
  try {
    await act(tidemark, text);
  } finally {
    await tidemark.close();
  }
}

function windowKind(text: string): WindowKind {
  const kind = WINDOW_KINDS.find((known) => known === text);
  if (kind === undefined) throw new InvalidArgumentError(WINDOW_KINDS.join(', '));
  return kind;
}
