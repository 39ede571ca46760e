import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STACK_FILE } from '../../../src/config.js';
import type { ReplayDryRun, ReplayLacks, ReplayResult, ReplayStatus } from '../../../src/messages.js';
import { waitUntil } from '../../../src/wait-until.js';
import { assertOneLine, tidemark, type Ran } from '../../support/cli.js';
import { useStack } from '../../support/stack.js';
import { Topics } from '../../support/topics.js';
import { startReplayControl } from '../../support/start-replay-control.js';
import type { WorkerProcess } from '../../support/worker-process.js';

const at = (time: string): number => Date.parse(`2021-07-11T${time}Z`);
const WINDOW = ['--from', '2021-07-11T11:00:00Z', '--to', '2021-07-11T13:00:00Z'];
/** In A, a record a minute from 10:00 to 13:59, in two partitions: half of them inside the window. */
const MINUTES = 240;
const SELECTED = 120;

describe('the command line of replays', function () {
  this.timeout(240_000);
  this.slow(30_000);
  const stack = useStack(['kafka', 'temporal', 'stream']);
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-cli-'));
  let topics: Topics;
  let control: WorkerProcess;

  before(async function () {
    this.timeout(300_000);
    topics = await Topics.open(stack().config.kafka);
    control = await startReplayControl(stack());
    await topics.create('cli.a', 2);
    const records = Array.from({ length: MINUTES }, (_, minute) => ({
      partition: minute % 2,
      key: `k${minute % 7}`,
      value: `{"minute":${minute}}`,
      timestampMs: at('10:00:00') + minute * 60_000,
    }));
    await topics.write('cli.a', records);
  });
  after(async () => {
    await control.end();
    await topics.close();
    rmSync(folder, { recursive: true });
  });

  const replay = (...args: string[]): Promise<Ran> =>
    tidemark(['replay', ...args], { TIDEMARK_CONFIG: join(stack().dataDir, STACK_FILE) });

  /** Exit code 0, nothing on standard error. @returns standard output. */
  async function succeeds(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await replay(...args);
    assert.deepEqual([exitCode, stderr], [0, ''], stdout);
    return stdout;
  }
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await succeeds(...args, '--json')) as T;

  it('plans: counts by partition and a sample; nothing is made', async () => {
    assertOneLine(await replay('plan', 'cli', 'cli.a', 'cli.b', ...WINDOW), /topic B \(--create makes it\)/);
    await topics.create('cli.b', 2);
    const text = await succeeds('plan', 'cli', 'cli.a', 'cli.b', ...WINDOW);
    assert.match(text, /^cli\.a to cli\.b:$/m);
    assert.match(text, /^ *partition +offsets +selected +outside *$/m);
    assert.match(text, /^ *0 +30 to 120 +60 +30 *$/m);
    assert.match(text, /^ {2}0@30 2021-07-11T11:00:00\.000Z k4 \{"minute":60\}$/m);
    const dry = await json<ReplayDryRun>('plan', 'cli', 'cli.a', 'cli.b', ...WINDOW);
    assert.equal(
      dry.partitions.reduce((sum, { counts }) => sum + (counts.selected ?? 0), 0),
      SELECTED,
    );
    assertOneLine(await replay('status', 'cli'), /NO_REPLAY|there is none of this name/);
    assert.deepEqual(await topics.read('cli.b'), []);
  });

  it('says what B lacks, with exit code 1, and nothing once it has it', async () => {
    const { exitCode, stdout } = await replay('gaps', 'cli.a', 'cli.b', ...WINDOW);
    assert.equal(exitCode, 1);
    assert.match(stdout, /^cli\.b lacks 120 of 120 selected records of cli\.a$/m);
    assert.match(stdout, /^ *1 +30 to 90 +gap +60 *$/m);
    assert.match(stdout, /--fill copies exactly these/);
    const started = await succeeds('start', 'cli', 'cli.a', 'cli.b', ...WINDOW, '--fill');
    assert.match(started, /^cli finished in [\d.]+ s$/m);
    assert.match(started, /120 selected/);
    assert.match(started, /verification passed: 120 of 120 records in B/);
    const lacks = await json<ReplayLacks>('gaps', 'cli.a', 'cli.b', ...WINDOW);
    assert.deepEqual([lacks.missing, lacks.selected, lacks.lacks], ['0', '120', []]);
  });

  it('answers a second start with the record of the first, and another input with a refusal', async () => {
    const again = await succeeds('start', 'cli', 'cli.a', 'cli.b', ...WINDOW, '--fill');
    assert.match(again, /cli has finished before \(20\d\d-.*\): this is its record/);
    const result = await json<ReplayResult>('start', 'cli', 'cli.a', 'cli.b', ...WINDOW, '--fill');
    assert.deepEqual([result.reused, result.counts.selected], [true, SELECTED]);
    assertOneLine(
      await replay('start', 'cli', 'cli.a', 'cli.b', '--from', '2021-07-11'),
      /choose another name/,
    );
  });

  it('shows a finished replay', async () => {
    const text = await succeeds('status', 'cli');
    assert.match(text, /^cli: finished, (\d+) of \1 offsets \(100\.0 %\)$/m);
    assert.match(text, /^ {2}cli\.a to cli\.b$/m);
    const status = await json<ReplayStatus>('status', 'cli');
    assert.deepEqual([status.state, status.counts.selected, status.fault], ['finished', SELECTED, null]);
  });

  it('verifies anew: exit code 0 while B is as it should be, 1 when it is not, 2 when nobody can tell', async () => {
    assert.match(await succeeds('verify', 'cli'), /^verification passed: 120 of 120 records in B$/m);
    const copied = await topics.read('cli.b');
    assert.equal(copied.length, SELECTED);
    // A record of the job, forged: it stands in B once more.
    await topics.copyRecord('cli.b', 0);
    const doubled = await replay('verify', 'cli');
    assert.equal(doubled.exitCode, 1);
    assert.match(doubled.stdout, /verification failed: 121 of 120 records in B/);
    assert.match(doubled.stdout, /partition 0 differs: 61 of 60 records/);
    await topics.truncate('cli.a', 0, 100);
    const unknown = await replay('verify', 'cli');
    assert.equal(unknown.exitCode, 2);
    assert.match(unknown.stdout, /verification inconclusive/);
    assert.match(unknown.stdout, /cli\.a-0 \[30, 100\) is gone \(expired\)/);
  });

  it('writes evidence once, and never over a file', async () => {
    const file = join(folder, 'evidence.json');
    assert.equal(await succeeds('evidence', 'cli', '--out', file), '');
    const evidence = JSON.parse(readFileSync(file, 'utf8')) as {
      plan: { job: string; digest: string; requestedBy: string };
      result: ReplayResult;
    };
    assert.equal(evidence.plan.job, 'cli');
    assert.match(evidence.plan.digest, /^[0-9a-f]{64}$/);
    assert.match(evidence.plan.requestedBy, /\(cli\)$/);
    assert.equal(evidence.result.verification?.verdict, 'passed');
    assert.ok((await replay('evidence', 'cli', '--out', file)).exitCode);
    const printed = JSON.parse(await succeeds('evidence', 'cli')) as typeof evidence;
    assert.deepEqual(printed.result, evidence.result);
    assertOneLine(await replay('evidence', 'nobody'), /none of this name/);
    assert.equal(existsSync(join(folder, 'nobody.json')), false);
  });

  it('starts without waiting, pauses, changes the rate, resumes and cancels', async () => {
    await topics.create('cli.slow', 1);
    const slow = ['cli-slow', 'cli.a', 'cli.slow', ...WINDOW, '--rate', '5', '--offsets', '1'];
    assert.match(await succeeds('start', ...slow, '--no-wait'), /started; tidemark replay status cli-slow/);
    const stateOf = async (state: string) =>
      waitUntil(
        `a replay that is ${state}`,
        async () => {
          const { exitCode, stdout } = await replay('status', 'cli-slow', '--json');
          return exitCode === 0 && (JSON.parse(stdout) as ReplayStatus).state === state;
        },
        { timeoutMs: 30_000, everyMs: 200 },
      );
    await stateOf('running');
    await succeeds('pause', 'cli-slow');
    await stateOf('paused');
    assert.match(await succeeds('status', 'cli-slow'), /^cli-slow: paused/m);
    await succeeds('rate', 'cli-slow', '--rate', '6');
    await succeeds('resume', 'cli-slow');
    await stateOf('running');
    await succeeds('cancel', 'cli-slow');
    await stateOf('cancelled');
    assertOneLine(await replay('pause', 'cli-slow'), /none of this name is running/);
    // Started again it goes on where it was, to its end.
    const rest = ['cli-slow', 'cli.a', 'cli.slow', ...WINDOW, '--offsets', '1'];
    assert.match(await succeeds('start', ...rest), /verification passed: 60 of 60/);
  });

  for (const [args, says] of [
    [['start', 'x', 'cli.a', 'cli.b', '--from', 'soon'], /soon/],
    [['start', 'x', 'cli.a', 'cli.a'], /feed itself/],
    [['start', 'x', 'cli.a', 'cli.b', '--filter', 'value.a =='], /not a CEL expression/],
    [['start', 'x', 'cli.a', 'cli.b', '--rate', '0'], /whole number above 0/],
    [['start', 'x', 'nowhere', 'cli.b'], /topic A, nowhere, is not there/],
  ] as const) {
    it(`refuses in one line: ${args.slice(1).join(' ')}`, async () => {
      assertOneLine(await replay(...args), says);
    });
  }
});
