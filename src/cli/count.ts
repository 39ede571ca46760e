import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Command } from 'commander';
import { errorColours } from './colours.js';
import { PipelineError } from '../core/errors.js';
import { choiceFaults, countRules } from '../core/count-plan.js';
import type { FrameFormat } from '../core/frame-scanner.js';
import type { UniqueUsersResult } from '../core/uniques-result.js';
import type { CountRules } from '../core/count-rules.js';
import type { RejectedFrame } from '../core/uniques-slice.js';
import { choicesOf, withCountRules, type CountRuleFlags } from './count-flags.js';
import { openFile, openStdin, type FrameInput } from './count-input.js';
import type { CountSummary } from './count-stream.js';
import { thousands, wholeNumber } from './numbers.js';

interface CountFlags extends CountRuleFlags {
  readonly stdin?: true;
  readonly file?: string;
  readonly provisional?: number;
  readonly quarantine?: string;
  readonly json?: true;
}

/** What a shell reports for a command that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED = 130;

/** `words` of the command line: where an input follows, jobs are not loaded, as a count of a file has no time for them. */
export async function addCount(program: Command, words: readonly string[]): Promise<void> {
  const count = program
    .command('count')
    .description('count unique users per minute, hour, day, week, month and year')
    .addHelpText(
      'after',
      '\nWithout a verb: tidemark count --file <path> or --stdin, see tidemark count input --help',
    );
  // A command of its own, since options of `count` itself would take those of its verbs that have the same name.
  const input = count
    .command('input', { isDefault: true })
    .description('count a file or standard input, without any service; results are JSON lines')
    .option('--stdin', 'read frames from standard input, one JSON object a line')
    .option('--file <path>', 'read frames from a file, gzip or not')
    .option(
      '--provisional <seconds>',
      'give results not final yet this often; 0 never (default: 5 with --stdin, 0 with --file)',
      wholeNumber(0),
    )
    .option(
      '--quarantine <path>',
      'write the frames that were not counted there, as JSON lines with line and reason',
    )
    .option('--json', 'the summary on standard error as JSON')
    .action(countInput);
  withCountRules(input);
  const next = words[words.indexOf('count') + 1] ?? '';
  const isOfInput = /^--(stdin|file)(=|$)/.test(next) && !words.includes('--help');
  if (!isOfInput) (await import('./count-job.js')).addCountJobs(count, program);
}

async function countInput(flags: CountFlags): Promise<void> {
  const rules = rulesOf(flags);
  // Threads that read a large file start here, while the rest is loaded; so is a bar only where one is shown.
  const input = await openInput(flags, rules.format);
  const { countStream } = await import('./count-stream.js');
  const quarantine = flags.quarantine === undefined ? undefined : createWriteStream(flags.quarantine);
  const bar = hasBar() ? (await import('./count-bar.js')).openInputBar(input) : undefined;
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  // A reader that has seen enough (head) is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  try {
    const summary = await countStream({
      input,
      rules,
      provisionalMs: 1_000 * (flags.provisional ?? (flags.stdin === true ? 5 : 0)),
      nowMs: Date.now,
      emit: writeResults,
      reject: (frame) => quarantine?.write(rejectedLine(frame)),
      ready: async () => {
        if (quarantine?.writableNeedDrain === true) await once(quarantine, 'drain');
      },
      progress: (frames, readBytes) => bar?.update(readBytes, { frames: thousands(frames) }),
      signal: interrupt.signal,
    });
    bar?.stop();
    await closeFile(quarantine);
    report(summary, flags);
    if (!summary.interrupted) return;
    process.exitCode = INTERRUPTED;
    // The terminal may hold standard input open for ever.
    process.stdin.destroy();
  } finally {
    process.off('SIGINT', onInterrupt);
    bar?.stop();
  }
}

/** On a terminal only, and only when the results do not go to the same one. */
const hasBar = (): boolean => process.stderr.isTTY && !process.stdout.isTTY;

function openInput(flags: CountFlags, format: FrameFormat): Promise<FrameInput> {
  if ((flags.stdin === true) === (flags.file !== undefined)) {
    throw new PipelineError(
      'BAD_OPTIONS',
      'choosing the frames to count: give either --stdin or --file <path>',
    );
  }
  return flags.file === undefined ? openStdin(format) : openFile(flags.file, format);
}

function rulesOf(flags: CountFlags): CountRules {
  const choices = choicesOf(flags);
  const faults = choiceFaults(choices, '--id-field and --ts-field');
  if (faults.length === 0) return countRules(choices);
  throw new PipelineError('BAD_OPTIONS', `choosing the fields to count: ${faults.join('; ')}`);
}

async function writeResults(results: readonly UniqueUsersResult[]): Promise<void> {
  const lines = results.map((result) => `${JSON.stringify(result)}\n`).join('');
  if (!process.stdout.write(lines)) await once(process.stdout, 'drain');
}

const rejectedLine = ({ offset, reason, bytes }: RejectedFrame): string =>
  `${JSON.stringify({ line: offset, reason, frame: Buffer.from(bytes).toString() })}\n`;

async function closeFile(stream: WriteStream | undefined): Promise<void> {
  if (stream === undefined) return;
  stream.end();
  await once(stream, 'close');
}

function report({ tally, elapsedMs, interrupted }: CountSummary, flags: CountFlags): void {
  const { read, accept, late, ...rejected } = tally;
  const framesPerSecond = Math.round((read / elapsedMs) * 1000);
  const peakRssMb = Math.round(process.resourceUsage().maxRSS / 1024);
  const elapsed = Math.round(elapsedMs) / 1000;
  const notCounted = Object.entries(rejected).filter(([, frames]) => frames > 0);
  if (flags.json === true) {
    const counted = accept + late;
    const summary = {
      frames: read,
      counted,
      late,
      rejected: Object.fromEntries(notCounted),
      elapsedMs: Math.round(elapsedMs),
      framesPerSecond,
      peakRssMb,
      interrupted,
    };
    console.error(JSON.stringify(summary));
    return;
  }
  const { bold, yellow } = errorColours;
  console.error(
    `${thousands(read)} frames in ${elapsed} s: ${bold(`${thousands(framesPerSecond)} frames/s`)}, ${peakRssMb} MB at most`,
  );
  console.error(
    `counted ${thousands(accept + late)}, ${thousands(late)} of them late${interrupted ? '; interrupted' : ''}`,
  );
  if (notCounted.length === 0) return;
  const reasons = notCounted.map(([reason, frames]) => `${thousands(frames)} ${reason}`).join(', ');
  console.error(yellow(`not counted: ${reasons}`));
  if (tally.unconfirmed >= read / 10) {
    console.error(
      `fewer than ${flags.confirmFrames} frames agreed within ${flags.lateness} s: for sparse data lower --confirm-frames or raise --lateness`,
    );
  }
}
