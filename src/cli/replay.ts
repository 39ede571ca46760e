import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Tidemark } from '../client.js';
import { PipelineError } from '../core/errors.js';
import { rangesOf, selectionOf, type SelectionText } from '../core/replay-options.js';
import type { ReplayInput, ReplayRate } from '../messages.js';
import {
  describeDryRun,
  describeLacks,
  describeResult,
  describeStatus,
  describeVerification,
} from './replay-text.js';
import { watchReplay } from './replay-watch.js';
import { withTidemark } from './with-tidemark.js';
import { wholeAboveZero } from './numbers.js';

interface InputFlags extends SelectionText {
  readonly offsets?: string;
  readonly sourceCluster?: string;
  readonly timestamps?: 'keep' | 'now';
  readonly fill?: true;
  readonly create?: true;
  readonly accept?: string[];
  readonly allowGaps?: true;
  readonly allowEmpty?: true;
  readonly slices?: number;
  readonly rate?: number;
  readonly bytes?: number;
  readonly verify: boolean;
}

interface CommonFlags {
  readonly json?: true;
}

export function addReplay(program: Command): void {
  const replay = program.command('replay').description('copy a range of topic A to topic B, exactly once');

  withSelection(replay.command('plan').description('what a replay would copy; writes nothing'))
    .option('--json', 'as JSON')
    .action((job: string, a: string, b: string, flags: InputFlags & CommonFlags) =>
      withTidemark(program, async (tidemark) => {
        const dry = await tidemark.replay.plan(inputOf(job, a, b, flags));
        console.log(flags.json ? JSON.stringify(dry) : describeDryRun(dry));
      }),
    );

  withSelection(replay.command('start').description('start a replay, or attach to the one of this name'))
    .option('--no-wait', 'start it and return')
    .option('--json', 'the result as JSON')
    .action((job: string, a: string, b: string, flags: InputFlags & CommonFlags & { wait: boolean }) =>
      withTidemark(program, (tidemark) => start(tidemark, inputOf(job, a, b, flags), flags)),
    );

  withWindow(replay.command('gaps').description('what B lacks of A; writes nothing'))
    .argument('<A>', 'topic that has it')
    .argument('<B>', 'topic that may lack it')
    .option('--json', 'as JSON')
    .action((a: string, b: string, flags: InputFlags & CommonFlags) =>
      withTidemark(program, async (tidemark) => {
        const found = await tidemark.replay.gaps(inputOf('gaps', a, b, flags));
        console.log(flags.json ? JSON.stringify(found) : describeLacks(found));
        if (found.missing !== '0') process.exitCode = 1;
      }),
    );

  const verb = (name: string, description: string): Command =>
    replay.command(name).description(description).argument('<job>', 'name of the replay');
  verb('status', 'how far a replay is')
    .option('--json', 'as JSON')
    .action((job: string, flags: CommonFlags) =>
      withTidemark(program, async (tidemark) => {
        const status = await tidemark.replay.status(job);
        console.log(flags.json ? JSON.stringify(status) : describeStatus(status));
      }),
    );
  for (const name of ['pause', 'resume', 'cancel'] as const) {
    verb(name, `${name} a running replay`).action((job: string) =>
      withTidemark(program, (tidemark) => tidemark.replay[name](job)),
    );
  }
  verb('rate', 'replace the limits of a running replay; without options it goes as fast as it can')
    .option('--rate <records>', 'records of A a second', wholeAboveZero)
    .option('--bytes <bytes>', 'bytes written a second', wholeAboveZero)
    .action((job: string, flags: Pick<InputFlags, 'rate' | 'bytes'>) =>
      withTidemark(program, (tidemark) => tidemark.replay.rate(job, rateOf(flags))),
    );
  verb('verify', 'compare B with A once more')
    .option('--json', 'as JSON')
    .action((job: string, flags: CommonFlags) =>
      withTidemark(program, async (tidemark) => {
        const found = await tidemark.replay.verify(job);
        console.log(flags.json ? JSON.stringify(found) : describeVerification(found));
        if (found.verdict !== 'passed') process.exitCode = found.verdict === 'failed' ? 1 : 2;
      }),
    );
  verb('evidence', 'plan, result and verification of a finished replay, as JSON')
    .option('--out <file>', 'write it to a file')
    .action((job: string, { out }: { out?: string }) =>
      withTidemark(program, async (tidemark) => {
        const evidence = JSON.stringify(await tidemark.replay.evidence(job), undefined, 2);
        if (out === undefined) console.log(evidence);
        else writeFileSync(out, `${evidence}\n`, { flag: 'wx' });
      }),
    );
}

function withSelection(command: Command): Command {
  command
    .argument('<job>', 'name of the replay: the same name with the same input is the same replay')
    .argument('<A>', 'topic to read')
    .argument('<B>', 'topic to write')
    .option('--fill', 'only what B lacks')
    .option('--create', 'make B when it is missing, for records of any age')
    .option('--allow-gaps', 'go on behind records that A has lost')
    .option('--allow-empty', 'end well when nothing matches')
    .option('--slices <n>', 'units of work that may run side by side (default: 1)', wholeAboveZero)
    .option('--rate <records>', 'records of A a second', wholeAboveZero)
    .option('--bytes <bytes>', 'bytes written a second', wholeAboveZero)
    .option('--no-verify', 'do not compare B with A afterwards');
  return withWindow(command);
}

/** Which records, and what B may do to them. */
function withWindow(command: Command): Command {
  return command
    .option('--from <instant>', 'records of this time and later, for example 2026-11-20T11:00:00Z')
    .option('--to <instant>', 'records before this time')
    .option('--time-of-day <range>', 'of every day only this part, UTC, for example 11:00-13:00')
    .option('--time-field <path>', "where a record's time is in its JSON value (default: its timestamp)")
    .option('--filter <expression>', 'CEL over key, value, headers, timestampMs, partition, offset')
    .option(
      '--source-cluster <name>',
      'where A is, when not on the cluster of B (clusters of the configuration)',
    )
    .option('--offsets <ranges>', 'partitions (0,2) or offsets in them (0:100-200,1:50-)')
    .option('--timestamps <keep|now>', "keep the records' timestamps or stamp them anew", timestamps)
    .option('--accept <setting...>', 'settings of B whose effect is accepted, for example retention.ms');
}

function inputOf(job: string, source: string, target: string, flags: InputFlags): ReplayInput {
  return {
    job,
    source,
    target,
    selection: selectionOf(flags),
    ...(flags.offsets !== undefined && { ranges: rangesOf(flags.offsets) }),
    ...(flags.sourceCluster !== undefined && { sourceCluster: flags.sourceCluster }),
    ...(flags.timestamps && { timestamps: flags.timestamps }),
    ...(flags.fill && { fill: true }),
    ...(flags.create && { createTarget: true }),
    ...(flags.accept && { accept: flags.accept }),
    ...(flags.allowGaps && { allowGaps: true }),
    ...(flags.allowEmpty && { allowEmpty: true }),
    ...(flags.slices !== undefined && { slices: flags.slices }),
    rate: rateOf(flags),
    verify: flags.verify,
    requestedBy: `${userInfo().username} (cli)`,
  };
}

async function start(
  tidemark: Tidemark,
  input: ReplayInput,
  flags: CommonFlags & { wait: boolean },
): Promise<void> {
  await tidemark.replay.start(input);
  if (!flags.wait) {
    if (!flags.json) console.log(`started; tidemark replay status ${input.job} tells how far it is`);
    return;
  }
  const watched = flags.json ? undefined : watchReplay(tidemark.replay, input.job);
  try {
    const result = await tidemark.replay.wait(input.job);
    watched?.end();
    console.log(flags.json ? JSON.stringify(result) : describeResult(result));
    if (result.verification && result.verification.verdict !== 'passed') process.exitCode = 2;
  } finally {
    watched?.end();
  }
}

const rateOf = ({ rate, bytes }: Pick<InputFlags, 'rate' | 'bytes'>): ReplayRate => ({
  ...(rate !== undefined && { recordsPerSecond: rate }),
  ...(bytes !== undefined && { bytesPerSecond: bytes }),
});

function timestamps(text: string): 'keep' | 'now' {
  if (text === 'keep' || text === 'now') return text;
  throw new PipelineError('BAD_OPTION', `reading "${text}": expected keep or now`);
}
