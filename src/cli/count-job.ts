import { userInfo } from 'node:os';
import Table from 'cli-table3';
import { SingleBar, Presets } from 'cli-progress';
import { InvalidArgumentError, type Command } from 'commander';
import { colours } from './colours.js';
import type { Tidemark } from '../client.js';
import type { UniqueUsersResult } from '../core/uniques-result.js';
import { FRAMES_TOPIC, UNIQUE_USERS_TOPIC } from '../core/names.js';
import { WINDOW_KINDS, type WindowKind } from '../core/window.js';
import type { CountInput, CountResult, CountStatus } from '../messages.js';
import { withCountRules, type CountRuleFlags } from './count-flags.js';
import { startOf, type StartAt } from './start-of.js';
import { wholeNumber } from './numbers.js';

interface StartFlags extends CountRuleFlags {
  readonly topic: string;
  readonly target: string;
  readonly from: StartAt;
  readonly bounded?: true;
  readonly slices: number;
  readonly provisional: number;
  readonly allowGaps?: true;
  readonly wait?: true;
  readonly json?: true;
}

/** How often a waiting caller looks, ms. */
const LOOK_EVERY_MS = 500;

/** Counting a topic, as a job: `tidemark count start|status|show|stop`. */
export function addCountJobs(count: Command, program: Command): void {
  const start = count
    .command('start')
    .description('count the frames of a topic as a durable job; results go to a topic and to ClickHouse')
    .argument('<name>', 'name of the job: the same name goes on where it was')
    .option('--topic <name>', 'topic of frames', FRAMES_TOPIC)
    .option('--target <name>', 'topic of results', UNIQUE_USERS_TOPIC)
    .option('--from <start>', 'beginning, end, or an ISO time', startOf, 'beginning')
    .option('--bounded', 'end where the topic ends now, instead of following it')
    .option('--slices <n>', 'units that may run side by side on several workers', wholeNumber(1), 1)
    .option('--provisional <seconds>', 'pause between results not final yet; 0 for none', wholeNumber(0), 5)
    .option('--allow-gaps', 'go on behind frames that the topic has lost')
    .option('--wait', 'stay until the count is over, showing how far it is')
    .option('--json', 'the answer as JSON');
  withCountRules(start).action((name: string, flags: StartFlags) =>
    use(program, (tidemark) => startCount(tidemark, name, flags)),
  );
  count
    .command('status')
    .description('how far a count is')
    .argument('<name>')
    .option('--json', 'the status as JSON')
    .action((name: string, { json }: { json?: true }) =>
      use(program, async (tidemark) => {
        const status = await tidemark.count.status(name);
        console.log(json ? JSON.stringify(status) : describeStatus(status));
      }),
    );
  count
    .command('show')
    .description('the newest results, read from ClickHouse')
    .argument('<name>')
    .option('--window <kind>', WINDOW_KINDS.join(', '), windowKind)
    .option('--limit <n>', 'how many', wholeNumber(1, 1_000_000), 20)
    .option('--json', 'as JSON lines')
    .action((name: string, flags: { window?: WindowKind; limit: number; json?: true }) =>
      use(program, async (tidemark) => {
        const { window, limit } = flags;
        const results = await tidemark.count.show({ job: name, limit, ...(window && { window }) });
        console.log(
          flags.json ? results.map((one) => JSON.stringify(one)).join('\n') : describeResults(results),
        );
      }),
    );
  count
    .command('stop')
    .description('end a count at its next commit; start it again with the same options and it goes on')
    .argument('<name>')
    .option('--json', 'the answer as JSON')
    .action((name: string, { json }: { json?: true }) =>
      use(program, async (tidemark) => {
        const result = await tidemark.count.stop(name);
        console.log(json ? JSON.stringify(result) : describeEnd(result));
      }),
    );
}

async function startCount(tidemark: Tidemark, job: string, flags: StartFlags): Promise<void> {
  const { topic, target, from, slices, precision, lateness, confirmFrames, tsField, idField } = flags;
  const input: CountInput = {
    job,
    source: topic,
    target,
    from,
    bounded: flags.bounded === true,
    tsField,
    idFields: idField.length > 0 ? idField : ['uid'],
    strict: flags.strict === true,
    precision,
    latenessS: lateness,
    confirmFrames,
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
  const result = await watched(tidemark, job, flags.json !== true);
  console.log(flags.json ? JSON.stringify(result) : describeEnd(result));
}

/** Waits for the end, with a bar on standard error when that is a terminal and the job has an end. */
async function watched(tidemark: Tidemark, job: string, mayDraw: boolean): Promise<CountResult> {
  if (!mayDraw || !process.stderr.isTTY) return tidemark.count.wait(job);
  const format = 'counting {bar} {percentage} %, {rate} frames/s, {left} left';
  const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true }, Presets.shades_classic);
  bar.start(0, 0, { rate: '-', left: '-' });
  const looking = setInterval(() => {
    // A look that fails shows nothing new: whether the count fails is told by the wait.
    void tidemark.count.status(job).then(
      ({ done, total, framesPerSecond, etaMs }) => {
        bar.setTotal(Number(total ?? done));
        bar.update(Number(done), {
          rate: framesPerSecond === null ? '-' : framesPerSecond.toLocaleString('en'),
          left: etaMs === null ? '-' : `${Math.ceil(etaMs / 1_000)} s`,
        });
      },
      () => undefined,
    );
  }, LOOK_EVERY_MS);
  try {
    return await tidemark.count.wait(job);
  } finally {
    clearInterval(looking);
    bar.stop();
  }
}

/** The client is loaded here only: counting a file needs none of it. */
async function use(program: Command, act: (tidemark: Tidemark) => Promise<void>): Promise<void> {
  const [{ Tidemark: Client }, { dataDirectory, loadConfig }] = await Promise.all([
    import('../client.js'),
    import('../config.js'),
  ]);
  const { dataDir } = program.opts<{ dataDir?: string }>();
  const tidemark = new Client(loadConfig(dataDirectory(dataDir, process.env), process.env));
  try {
    await act(tidemark);
  } finally {
    await tidemark.close();
  }
}

const say = (n: number | string): string => Number(n).toLocaleString('en');

function describeStatus(status: CountStatus): string {
  const { job, state, done, total, framesPerSecond, etaMs, counts, plan, fault } = status;
  const lines = [`count ${job}: ${state}`];
  if (plan !== null) {
    const { source, target, slices } = plan;
    lines.push(
      `  ${source.topic} (${source.partitions} partitions, ${slices.length} slices) to ${target.topic}`,
    );
  }
  const rate = framesPerSecond === null ? '' : `, ${say(framesPerSecond)} frames/s`;
  const left = etaMs === null ? '' : `, ${Math.ceil(etaMs / 1_000)} s left`;
  lines.push(`  ${say(done)}${total === null ? '' : ` of ${say(total)}`} offsets passed${rate}${left}`);
  lines.push(describeCounts(counts));
  if (fault !== null) lines.push(colours.yellow(`  ${fault}`));
  return lines.join('\n');
}

const describeEnd = (result: CountResult): string =>
  [
    `count ${result.job} ${result.outcome}${result.reused ? ' earlier: this is its record' : ''}`,
    describeCounts(result.counts),
    ...result.gaps.map((gap) =>
      colours.yellow(
        `  lost: partition ${gap.partition} [${gap.startOffset}, ${gap.endOffset}), ${gap.reason}`,
      ),
    ),
  ].join('\n');

/** Counts that are not of quarantined frames. */
const NOT_REASONS = new Set(['read', 'accept', 'late', 'results', 'afterClose', 'openWindows']);

function describeCounts(counts: Readonly<Record<string, number>>): string {
  const { read = 0, accept = 0, late = 0, results = 0, afterClose = 0 } = counts;
  const reasons = Object.entries(counts).filter(([name, frames]) => frames > 0 && !NOT_REASONS.has(name));
  const quarantined = reasons.map(([reason, frames]) => `${say(frames)} ${reason}`).join(', ') || 'none';
  const closed = afterClose > 0 ? `; ${say(afterClose)} states came after their window had closed` : '';
  return `  ${say(read)} frames, ${say(accept + late)} counted (${say(late)} late), in quarantine: ${quarantined}; ${say(results)} results${closed}`;
}

function describeResults(results: readonly UniqueUsersResult[]): string {
  const table = new Table({
    head: ['window', 'start', 'field', 'users', 'error', 'frames', 'status'],
    style: { head: [], border: [] },
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'left'],
  });
  for (const { window, start, field, users, error, frames, status, revision } of results) {
    const percent = error === 0 ? 'exact' : `±${(100 * error).toFixed(2)} %`;
    table.push([
      window,
      start,
      field ?? '',
      say(users),
      percent,
      say(frames),
      revision > 0 ? `${status} ${revision}` : status,
    ]);
  }
  return table.toString();
}

function windowKind(text: string): WindowKind {
  const kind = WINDOW_KINDS.find((known) => known === text);
  if (kind === undefined) throw new InvalidArgumentError(WINDOW_KINDS.join(', '));
  return kind;
}
