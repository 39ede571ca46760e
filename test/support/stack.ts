import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { bringDown, supervisorOf } from '../../infra/embedded/detached.js';
import { startStack, type ServiceName, type Stack } from '../../infra/embedded/index.js';
import { removeStack } from '../../infra/embedded/remove.js';
import { provision } from '../../src/provision.js';
import { complaintsOf } from './complaints.js';
import { takeBase } from './take-base.js';

export interface UseStackOptions {
  /** Tables, topics and connectors are in place. Needs kafka, connect, postgres, mongo and clickhouse. */
  readonly provisioned?: boolean;
  /** Not shared with other test files: for tests that kill, stop or fill. */
  readonly own?: boolean;
}

/** The first start on a machine fetches the services. */
const START_LIMIT_MS = 15 * 60_000;
const STOP_LIMIT_MS = 2 * 60_000;

const home = join(tmpdir(), `tidemark-stacks-${userInfo().username}`);
const stacks = new Map<string, Promise<Stack>>();
/** How many suites still want each stack; known before the first runs, as mocha reads all files first. */
const suites = new Map<string, number>();
let swept = false;

/**
 * Gives the enclosing suite a real stack of these services, on its own ports and in a temporary folder. It is shared by
 * all suites of the mocha process that ask for the same. When the last of them is over it is stopped before another one
 * starts: an idle stack of six servers takes a fifth of a core from the tests that follow.
 */
export function useStack(services: readonly ServiceName[], options: UseStackOptions = {}): () => Stack {
  const key = `${[...services].sort().join(',')}${options.provisioned ? '+provisioned' : ''}`;
  const name = options.own ? `${key}#${suites.size}` : key;
  suites.set(name, (suites.get(name) ?? 0) + 1);
  let stack: Stack | undefined;
  before(async function () {
    this.timeout(START_LIMIT_MS);
    stack = await sharedStack(name, services, options);
  });
  afterEach(function () {
    const { err, state } = this.currentTest ?? {};
    if (stack === undefined || state !== 'failed' || err === undefined) return;
    err.message = [err.message, ...complaintsOf(stack.dataDir)].join('\n');
  });
  after(() => void suites.set(name, (suites.get(name) ?? 1) - 1));
  return () => {
    if (stack === undefined) throw new Error('using a stack before its suite has begun');
    return stack;
  };
}

after(async function () {
  this.timeout(STOP_LIMIT_MS);
  await Promise.all([...stacks.values()].map(stopAndRemove));
});

async function sharedStack(
  name: string,
  services: readonly ServiceName[],
  options: UseStackOptions,
): Promise<Stack> {
  const known = stacks.get(name);
  if (known !== undefined) return known;
  await stopUnwanted();
  const started = start(services, options);
  stacks.set(name, started);
  return started;
}

/** Not in the suite's own `after`: it would come before the suite has closed its connections. */
async function stopUnwanted(): Promise<void> {
  const unwanted = [...stacks].filter(([name]) => suites.get(name) === 0);
  for (const [name] of unwanted) stacks.delete(name);
  await Promise.all(unwanted.map(([, stack]) => stopAndRemove(stack)));
}

async function start(services: readonly ServiceName[], options: UseStackOptions): Promise<Stack> {
  await sweep();
  const dataDir = mkdtempSync(join(home, `${process.pid}-`));
  const stack = await startStack({ dataDir, portBase: await takeBase(), services });
  if (options.provisioned) await provision(stack.config, () => undefined);
  return stack;
}

async function stopAndRemove(starting: Promise<Stack>): Promise<void> {
  // One that did not start has failed its suite and stopped itself; its folder is swept by the next run.
  const stack = await starting.catch(() => undefined);
  if (stack === undefined) return;
  await stack.stop();
  removeStack(stack.dataDir);
  rmSync(stack.dataDir, { recursive: true, force: true });
}

/** Ends and removes what a killed test run has left: stacks in our folder whose supervisor is dead. */
async function sweep(): Promise<void> {
  if (swept) return;
  swept = true;
  mkdirSync(home, { recursive: true });
  for (const name of readdirSync(home)) {
    const dataDir = join(home, name);
    // Made a moment ago by a run that has not taken it yet: its process still lives.
    if (supervisorOf(dataDir) !== undefined || isRunning(Number(name.split('-')[0]))) continue;
    await bringDown(dataDir);
    removeStack(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
