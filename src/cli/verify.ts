import { userInfo } from 'node:os';
import { InvalidArgumentError, type Command, type CommanderError } from 'commander';
import { PipelineError } from '../core/errors.js';
import type {
  CheckResult,
  RepairMode,
  Verdict,
  VerificationResult,
  VerifyInput,
  VerifyProgress,
} from '../messages.js';
import { colours } from './colours.js';
import { reportFailure } from './report-failure.js';
import { plainTable } from './table.js';
import { withTidemark } from './with-tidemark.js';

interface Flags {
  readonly only?: string[];
  readonly skip?: string[];
  readonly retries?: number;
  readonly retryDelay?: number;
  readonly initialDelay?: number;
  readonly failureLimit?: number;
  readonly errorLimit?: number;
  readonly canaryTimeout?: number;
  readonly errorWindow?: number;
  readonly repair?: true | RepairStep;
  readonly repairLimit?: number;
  readonly history?: true | number;
  readonly json?: true;
}

type RepairStep = Exclude<RepairMode, 'none'>;

/** What a check's evidence says of a repair that was not made. */
interface RepairPlan {
  readonly applied: boolean;
  readonly writes: number;
  readonly deletes: number;
  /** The first of them. */
  readonly steps: readonly { readonly key: string; readonly action: 'write' | 'delete' }[];
}

/** For a pipeline that gates on it. */
const EXIT: Readonly<Record<Verdict, number>> = { Passed: 0, Failed: 1, Inconclusive: 2 };
const EXIT_USAGE = 3;
/** What whoever called has got wrong; anything else that kept the verification from being made leaves it inconclusive. */
const USAGE_FAULTS = new Set(['BAD_CHECKS', 'BAD_OPTION', 'NO_STACK', 'BAD_CONFIG']);

export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('verify the deployment, hop by hop; exit code 0 passed, 1 failed, 2 inconclusive, 3 usage')
    .option('--only <checks>', 'make these checks only, by their names: a,b', names)
    .option('--skip <checks>', 'leave these checks out', names)
    .option('--retries <times>', 'make a check that has not passed again (default: 2)', wholeNumber)
    .option('--retry-delay <seconds>', 'pause before that (default: 2)', seconds)
    .option('--initial-delay <seconds>', 'wait before the first check (default: 0)', seconds)
    .option('--failure-limit <checks>', 'checks that may fail (default: 0)', wholeNumber)
    .option('--error-limit <checks>', 'checks that may be inconclusive (default: 0)', wholeNumber)
    .option('--canary-timeout <seconds>', 'how long the canary may take at one hop (default: 30)', seconds)
    .option('--error-window <seconds>', 'how far back bad messages count as new (default: 3600)', seconds)
    .option(
      '--repair [step]',
      'make silver right for exactly the keys that differ: shows how, then does it; plan, apply: one of these only',
      repairStep,
    )
    .option('--repair-limit <rows>', 'rows of a table that a repair may change', wholeNumber)
    .option('--history [verifications]', 'show the recorded ones instead (default: 10)', wholeNumber)
    .option('--json', 'the result as JSON (docs/verification.schema.json)')
    .exitOverride(exit)
    .action((flags: Flags) => verify(program, flags));
}

/** Commander's own faults are of usage; help and version are none. */
function exit({ exitCode }: CommanderError): never {
  process.exit(exitCode === 0 ? 0 : EXIT_USAGE);
}

async function verify(program: Command, flags: Flags): Promise<void> {
  try {
    await withTidemark(program, async (tidemark) => {
      if (flags.history !== undefined) {
        const limit = flags.history === true ? {} : { limit: flags.history };
        const past = await tidemark.verify.history(limit);
        console.log(flags.json ? JSON.stringify(past) : describeHistory(past));
        return;
      }
      const live = !flags.json && process.stderr.isTTY;
      const run = (repair: RepairMode): Promise<VerificationResult> =>
        tidemark.verify
          .run({
            ...inputOf(flags),
            ...(repair !== 'none' && { repair }),
            ...(live && { onProgress: showStep }),
          })
          .finally(() => live && process.stderr.write(CLEAR_LINE));
      let result = await run(flags.repair === true ? 'plan' : (flags.repair ?? 'none'));
      const plan = describePlan(result);
      if (plan.length > 0) console.error(plan.join('\n'));
      if (flags.repair === true && plan.length > 0) result = await run('apply');
      console.log(flags.json ? JSON.stringify(result) : describeVerification(result));
      process.exitCode = EXIT[result.verdict];
    });
  } catch (error) {
    reportFailure(error);
    const isUsage = error instanceof PipelineError && USAGE_FAULTS.has(error.code);
    process.exitCode = isUsage ? EXIT_USAGE : EXIT.Inconclusive;
  }
}

function inputOf(flags: Flags): VerifyInput {
  const given: { [name in keyof VerifyInput]: VerifyInput[name] | undefined } = {
    only: flags.only,
    skip: flags.skip,
    retries: flags.retries,
    retryDelayMs: flags.retryDelay,
    initialDelayMs: flags.initialDelay,
    failureLimit: flags.failureLimit,
    errorLimit: flags.errorLimit,
    canaryTimeoutMs: flags.canaryTimeout,
    errorWindowMs: flags.errorWindow,
    repairLimitRows: flags.repairLimit,
    requestedBy: `${userInfo().username} (cli)`,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Carriage return, erase to the end of the line. */
const CLEAR_LINE = '\r\u001b[K';

function showStep({ step }: VerifyProgress): void {
  const width = process.stderr.columns || 80;
  process.stderr.write(`${CLEAR_LINE}${colours.dim(step.slice(0, width - 1))}`);
}

const PAINT: Readonly<Record<Verdict, (text: string) => string>> = {
  Passed: colours.green,
  Failed: colours.red,
  Inconclusive: colours.yellow,
};

export function describeVerification(result: VerificationResult): string {
  const table = plainTable(['check', 'hop', 'verdict', 'took', 'finding'], ['left', 'left', 'left', 'right']);
  for (const { check, hop, verdict, durationMs, summary } of result.checks) {
    table.push([check, hop, PAINT[verdict](verdict), `${(durationMs / 1_000).toFixed(2)} s`, summary]);
  }
  const todo = result.checks.filter(({ verdict, next }) => verdict !== 'Passed' && next !== undefined);
  return [
    table.toString(),
    ...todo.map(({ check, next }: CheckResult) => `  ${check}: ${next}`),
    PAINT[result.verdict](result.summary),
    ...(result.recorded ? [] : [colours.yellow('not recorded in ops_verifications')]),
  ].join('\n');
}

/** A line per key that a repair would write or delete; none when there is nothing to repair, or it is done. */
export function describePlan({ checks }: VerificationResult): string[] {
  return checks.flatMap(({ check, evidence }) => {
    const plan = evidence.repair as RepairPlan | undefined;
    if (plan === undefined || plan.applied) return [];
    const steps = plan.steps.map(({ key, action }) => `  ${action} ${key}`);
    const keys = plan.writes + plan.deletes;
    const more = keys - steps.length;
    return [
      `${check}: of ${keys} keys that differ a repair writes ${plan.writes} and deletes ${plan.deletes}`,
      ...steps,
      ...(more > 0 ? [`  and ${more} more`] : []),
    ];
  });
}

export function describeHistory(past: readonly VerificationResult[]): string {
  if (past.length === 0) return 'no verification is recorded';
  const table = plainTable(['begun', 'took', 'verdict', 'for', 'result'], ['left', 'right']);
  for (const { startedAtMs, finishedAtMs, verdict, requestedBy, summary } of past) {
    const begun = `${new Date(startedAtMs).toISOString().slice(0, 19)}Z`;
    const took = `${((finishedAtMs - startedAtMs) / 1_000).toFixed(1)} s`;
    table.push([begun, took, PAINT[verdict](verdict), requestedBy, summary.replace(/^\w+: /, '')]);
  }
  return table.toString();
}

const names = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

function repairStep(text: string): RepairStep {
  if (text !== 'plan' && text !== 'apply') throw new InvalidArgumentError('expected plan, apply or nothing');
  return text;
}

/** Given in seconds, kept in ms. */
function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('expected a number of seconds, 0 or more');
  }
  return Math.round(value * 1_000);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}
