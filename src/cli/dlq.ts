import { InvalidArgumentError, type Command } from 'commander';
import type { RedriveReport } from '../messages.js';
import type { AskedLetters } from '../stream/dead-letters/job.js';
import { describeLetter, describeLetters, describeRedrive } from './dlq-text.js';
import { withTidemark } from './with-tidemark.js';

interface CommonFlags {
  readonly topic?: string;
  readonly job?: string;
  readonly json?: true;
}

interface RedriveFlags extends CommonFlags {
  readonly target?: string;
  readonly reason?: readonly string[];
  readonly acceptLate?: true;
}

/** What a shell reports for a command that Ctrl-C ended before it was done: 128 + SIGINT. */
const INTERRUPTED = 130;
const LINE_EVERY_MS = 5_000;

export function addDlq(program: Command): void {
  const dlq = program.command('dlq').description('what stream jobs could not use: look, try again, redrive');

  common(dlq.command('list').description('dead letters by reason')).action((flags: CommonFlags) =>
    withTidemark(program, async (tidemark) => {
      const list = await tidemark.deadLetters.list(lettersOf(flags));
      console.log(flags.json ? JSON.stringify(list) : describeLetters(list));
    }),
  );

  common(dlq.command('show').description('one dead letter, whole'))
    .argument('<place>', 'partition:offset in the topic of dead letters', place)
    .action((at: Place, flags: CommonFlags) =>
      withTidemark(program, async (tidemark) => {
        const letter = await tidemark.deadLetters.show(at.partition, at.offset, lettersOf(flags));
        console.log(flags.json ? JSON.stringify(letter) : describeLetter(letter));
      }),
    );

  selecting(
    dlq.command('dry-run').description("what a redrive would do by today's rules; writes nothing"),
  ).action((flags: RedriveFlags) =>
    withTidemark(program, async (tidemark) => {
      const report = await tidemark.deadLetters.dryRun(inputOf(flags));
      console.log(flags.json ? JSON.stringify(report) : describeRedrive(report));
    }),
  );

  selecting(
    dlq.command('redrive').description("write those that pass today's rules to where they belong, each once"),
  ).action((flags: RedriveFlags) =>
    withTidemark(program, async (tidemark) => {
      const stop = new AbortController();
      // Once only: a second Ctrl-C ends the process at once.
      process.once('SIGINT', () => stop.abort());
      const run = { signal: stop.signal, report: progress() };
      const report = await tidemark.deadLetters.redrive(inputOf(flags), run);
      console.log(flags.json ? JSON.stringify(report) : describeRedrive(report));
      if (report.outcome === 'stopped') process.exitCode = INTERRUPTED;
    }),
  );
}

const common = (command: Command): Command =>
  command
    .option('--job <name>', 'job that gave them up (default: logins)')
    .option('--topic <name>', 'topic of dead letters (default: that of the job)')
    .option('--json', 'as JSON');

const selecting = (command: Command): Command =>
  common(command)
    .option('--target <topic>', 'where those that pass go (default: where the job writes)')
    .option('--reason <code...>', 'only letters of these reasons')
    .option('--accept-late', 'also letters that were only too late');

const lettersOf = ({ topic, job }: CommonFlags): AskedLetters => ({
  ...(topic !== undefined && { topic }),
  ...(job !== undefined && { job }),
});

const inputOf = ({ target, reason, acceptLate, ...common }: RedriveFlags): AskedLetters => ({
  ...lettersOf(common),
  ...(target !== undefined && { target }),
  ...(reason && { reasons: reason }),
  ...(acceptLate && { acceptLate }),
});

function progress(): (report: RedriveReport) => void {
  let lastMs = performance.now();
  return ({ read, passes }) => {
    if (performance.now() - lastMs < LINE_EVERY_MS) return;
    lastMs = performance.now();
    console.error(`${read} records read, ${passes} redriven`);
  };
}

interface Place {
  readonly partition: number;
  readonly offset: number;
}

function place(text: string): Place {
  const [partition, offset] = (/^(\d{1,9}):(\d{1,15})$/.exec(text) ?? []).slice(1).map(Number);
  if (partition === undefined || offset === undefined)
    throw new InvalidArgumentError('expected partition:offset, for example 0:42');
  return { partition, offset };
}
