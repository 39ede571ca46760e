import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { colours } from './colours.js';
import { bringDown, supervisorOf } from '../../infra/embedded/detached.js';
import { findFreeBase } from '../../infra/embedded/ports.js';
import { hasPortBase } from '../../infra/embedded/settings.js';
import { connectClickHouse } from '../clients/clickhouse.js';
import { Tidemark } from '../client.js';
import { dataDirectory, loadConfig, type Config } from '../config.js';
import { addDays, dayOf, type Day } from '../core/day.js';
import { PipelineError } from '../core/errors.js';
import { goldDayWorkflowId } from '../core/ids.js';
import type { Answer } from '../generate/answer.js';
import { checkGold, checkSilver } from '../generate/check.js';
import { describeComparison } from '../generate/compare.js';
import { generateAll } from '../generate/generate.js';
import { eventOptions, userOptions } from '../generate/options.js';
import { demoLogins } from './demo-logins.js';
import { describeView } from './gold.js';
import { describeGenerated } from './generate.js';
import { GenerateProgress } from './generate-progress.js';
import { bringUp } from './up.js';

interface DemoOptions {
  readonly dataDir?: string;
  readonly users: number;
  readonly events: number;
  readonly days: number;
  readonly stop?: true;
}

/** The same rows each time the demo is run on the same day. */
const SEED = 1;
/** Beside the ports of a stack in use. */
const PORTS = { from: 19_500, until: 21_000 } as const;
const SHOWN_USERS = 8;

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('all of it once: stack up, sources filled, gold computed and compared with the exact answer')
    .option('--users <n>', 'users to generate', wholeNumber, 2_000)
    .option('--events <n>', 'events to generate', wholeNumber, 40_000)
    .option('--days <n>', 'over how many days, the last one being yesterday', wholeNumber, 3)
    .option('--stop', 'stop the stack at the end, which otherwise stays up for a look around')
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<DemoOptions>();
      await demo({ ...options, dataDir: options.dataDir ?? `${dataDirectory(undefined, process.env)}-demo` });
    });
}

async function demo(options: DemoOptions & { dataDir: string }): Promise<void> {
  const startedMs = performance.now();
  const dataDir = dataDirectory(options.dataDir, process.env);
  step('1/5', `the stack, in ${dataDir}`);
  // A stack of the demo's own: it may be removed and made anew, and never touches one in use.
  const base =
    hasPortBase(dataDir) || supervisorOf(dataDir) ? undefined : await findFreeBase(PORTS.from, PORTS.until);
  await bringUp({ dataDir, ...(base !== undefined && { ports: String(base) }) });
  try {
    const config = loadConfig(dataDir, {});
    step('2/5', `${options.users} users into PostgreSQL, ${options.events} events into MongoDB`);
    const answer = await fill(config, options, join(dataDir, 'answer.jsonl'));
    step('3/5', `gold of ${answer.days.length} days, each as soon as silver holds all of it`);
    await computeGold(config, answer.days);
    step('4/5', 'silver and gold against the exact answer of the generator, row by row');
    const isEqual = await compare(config, answer);
    step('5/5', 'a live stream of logins, cleaned as it comes, with its insights');
    const isExact = await demoLogins(config);
    links(config, answer.days);
    verdict(isEqual, isExact, (performance.now() - startedMs) / 1_000);
  } finally {
    if (options.stop) await bringDown(dataDir);
  }
  if (!options.stop)
    console.log(colours.dim(`The stack stays up. It is stopped by: tidemark down --data-dir ${dataDir}`));
}

async function fill(config: Config, { users, events, days }: DemoOptions, file: string): Promise<Answer> {
  const span = { seed: SEED, from: addDays(dayOf(Date.now()), -days), days };
  const progress = new GenerateProgress();
  try {
    const wanted = { users: userOptions({ ...span, users }), events: eventOptions({ ...span, events }) };
    const run = { answerFile: file, onProgress: progress.show };
    const filled = await generateAll(config, wanted, run).catch((error: unknown) => {
      // A demo of another day or size left other rows of the seed: they go, as any delete does.
      if (error instanceof PipelineError && error.code === 'ALREADY_GENERATED') {
        return generateAll(config, wanted, { ...run, replace: true });
      }
      throw error;
    });
    progress.end();
    for (const generated of [filled.users, filled.events]) console.log(describeGenerated(generated));
    console.log(`the exact answer: ${file}`);
    return filled.answer;
  } finally {
    progress.end();
  }
}

async function computeGold(config: Config, days: readonly Day[]): Promise<void> {
  const tidemark = new Tidemark(config);
  try {
    for (const day of days) {
      const run = await tidemark.gold.run({ day, requestedBy: 'demo' });
      console.log(
        `${day}: ${run.rowsWritten} users, ${run.events} events in ${(run.durationMs / 1_000).toFixed(2)} s` +
          (run.reused ? ' (fresh already)' : ''),
      );
    }
    const last = days.at(-1);
    if (last !== undefined)
      console.log(describeView(await tidemark.gold.show({ day: last, limit: SHOWN_USERS })));
  } finally {
    await tidemark.close();
  }
}

async function compare(config: Config, answer: Answer): Promise<boolean> {
  const clickhouse = connectClickHouse(config);
  try {
    const { database } = config.clickhouse;
    const checks = [
      ...(await checkSilver(clickhouse, database, answer)),
      ...(await checkGold(clickhouse, database, answer)),
    ];
    for (const { table, result } of checks) {
      const mark = result.equal ? colours.green('✔') : colours.red('✖');
      console.log(`${mark} ${table}: ${describeComparison(result)}`);
    }
    return checks.every(({ result }) => result.equal);
  } finally {
    await clickhouse.close();
  }
}

function links({ temporal: { uiUrl, namespace } }: Config, days: readonly Day[]): void {
  if (uiUrl === undefined) return;
  console.log(`\nTemporal UI: ${uiUrl}`);
  for (const day of days) {
    const id = encodeURIComponent(goldDayWorkflowId(day));
    console.log(`  ${day}: ${uiUrl}/namespaces/${namespace}/workflows/${id}`);
  }
}

function verdict(isEqual: boolean, isExact: boolean, seconds: number): void {
  if (!isEqual) {
    throw new PipelineError(
      'DEMO_DIFFERS',
      'comparing with the exact answer: not every row is equal (above)',
    );
  }
  if (!isExact) {
    throw new PipelineError('DEMO_DIFFERS', 'cleaning logins: other counts than were generated (above)');
  }
  console.log(
    `\n${colours.green('The demo passed')}: every row equals the exact answer, after ${seconds.toFixed(0)} s.`,
  );
}

const step = (number: string, what: string): void => console.log(`\n${colours.bold(`${number} ${what}`)}`);

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0');
  return Number(text);
}
