import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateLogins } from '../../../src/generate/logins.js';
import { LoginCounter, type LoginAnswer } from '../../../src/generate/logins-answer.js';
import { loginOptions, type LoginOptions } from '../../../src/generate/logins-options.js';
import { packageRoot } from '../../../src/package-root.js';
import { waitUntil } from '../../../src/wait-until.js';
import { readAll } from '../../chaos/replay/scene.js';
import { assertOneLine, jsonLines, tidemark } from '../../support/cli.js';
import { endWithParent } from '../../support/end-with-parent.js';
import { useStack } from '../../support/stack.js';
import { Topics } from '../../support/topics.js';

const MAIN = join(packageRoot, 'dist', 'src', 'cli', 'main.js');

describe('tidemark generate logins', function () {
  this.timeout(90_000);
  this.slow(20_000);
  const stack = useStack(['kafka']);
  let folder = '';
  let topics: Topics;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidemark-logins-'));
    topics = await Topics.open(stack().config.kafka);
  });
  after(async () => {
    await topics?.close();
    await rm(folder, { recursive: true });
  });

  const cli = (...args: string[]) => tidemark(['--data-dir', stack().dataDir, 'generate', 'logins', ...args]);
  const answerTo = (options: LoginOptions): LoginAnswer[] => {
    const counter = new LoginCounter(options.partitions);
    for (const message of generateLogins(options)) counter.add(message);
    return counter.finish();
  };
  const text = (answers: readonly LoginAnswer[]): string[] =>
    answers.map((one) => JSON.stringify(one)).sort();

  it('writes every message to its partition, in order, byte by byte, and the exact answer to a file', async () => {
    const answer = join(folder, 'answer.jsonl');
    const sizes = ['--messages', '20000', '--rate', '50', '--partitions', '3', '--seed', '4'];
    const ran = await cli('--topic', 'logins.whole', ...sizes, '--answer', answer, '--json');
    assert.equal(ran.exitCode, 0, ran.stderr);
    const { outcome, messages } = JSON.parse(ran.stdout) as { outcome: string; messages: number };
    assert.deepEqual({ outcome, messages }, { outcome: 'finished', messages: 20_000 });

    const options = loginOptions({ messages: 20_000, rate: 50, partitions: 3, seed: 4 });
    const expected: string[][] = [[], [], []];
    const say = (key: Buffer | null, value: Buffer | null): string =>
      `${key?.toString() ?? 'null'} ${value?.toString('base64') ?? 'null'}`;
    for (const { partition, key, value } of generateLogins(options))
      expected[partition]!.push(say(key, value));
    const found: string[][] = [[], [], []];
    await readAll(topics.kafka, 'logins.whole', (partition, { key, value }) => {
      found[partition]!.push(say(key, value));
    });
    assert.deepEqual(found, expected);
    assert.deepEqual(text(await jsonLines<LoginAnswer>(answer)), text(answerTo(options)));
  });

  it('goes on at the present time until Ctrl-C, and answers what it has written', async () => {
    const answer = join(folder, 'live.jsonl');
    const beganMs = Date.now();
    const child = spawn(
      process.execPath,
      [
        ...[MAIN, '--data-dir', stack().dataDir, 'generate', 'logins', '--topic', 'logins.live'],
        ...['--continuous', '--rate', '200', '--partitions', '2', '--answer', answer],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    endWithParent(child);
    const closed = once(child, 'close') as Promise<[number | null]>;
    const written = async (): Promise<number> => {
      const known = await topics.admin.listTopics();
      if (!known.includes('logins.live')) return 0;
      const offsets = await topics.admin.fetchTopicOffsets('logins.live');
      return offsets.reduce((sum, { high }) => sum + Number(high), 0);
    };
    await waitUntil('a few hundred logins', async () => (await written()) > 400, { timeoutMs: 30_000 });
    child.kill('SIGINT');
    const [exitCode] = await closed;
    assert.equal(exitCode, 0);
    const total = await written();
    const answers = await jsonLines<LoginAnswer>(answer);
    const read = answers.flatMap((one) => (one.type === 'partition' ? [one.read] : []));
    assert.equal(
      read.reduce((sum, count) => sum + count, 0),
      total,
    );
    const windows = answers.flatMap((one) => (one.type === 'window' ? [one] : []));
    assert.ok(windows.every(({ start }) => Date.parse(start) > beganMs - 120_000));
    const clean = answers.flatMap((one) => (one.type === 'partition' ? [one.clean] : []));
    const logins = windows.filter(({ dimension }) => dimension === 'all').map((one) => one.logins);
    assert.equal(
      logins.reduce((sum, count) => sum + count, 0),
      clean.reduce((sum, count) => sum + count, 0),
    );
    // It keeps to its rate: it did not write what was not due.
    assert.ok(total <= ((Date.now() - beganMs) / 1_000) * 200 + 1, `${total}`);
  });

  it('says on standard output what it would write, without any service', async () => {
    const { exitCode, stdout } = await tidemark(['generate', 'logins', '--stdout', '--messages', '50']);
    assert.equal(exitCode, 0);
    const lines = stdout.split('\n').map((line) => JSON.parse(line) as { key: string | null; value: string });
    const expected = [...generateLogins(loginOptions({ messages: 50 }))];
    assert.deepEqual(
      lines.map(({ key }) => key),
      expected.map(({ key }) => key?.toString() ?? null),
    );
  });

  it('refuses what it cannot do in one line', async () => {
    assertOneLine(await cli('--late', '2'), /late: a share of/);
    assertOneLine(await cli('--continuous', '--from', '2026-11-20'), /--continuous begins now/);
    assertOneLine(await cli('--topic', 'logins.whole', '--partitions', '5'), /has 3 partitions, not 5/);
  });
});
