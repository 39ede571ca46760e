import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa, type Options } from 'execa';
import type { UniqueUsersResult } from '../../../src/core/uniques-result.js';
import { packageRoot } from '../../../src/package-root.js';
import { jsonLines } from '../../support/cli.js';

const MAIN = join(packageRoot, 'dist/src/cli/main.js');
const tidemark = (args: readonly string[], options: Options = {}) =>
  execa('node', [MAIN, ...args], { ...options, reject: false, encoding: 'utf8' });

const resultsOf = (stdout: unknown): UniqueUsersResult[] =>
  String(stdout)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as UniqueUsersResult);

interface Exact {
  window: string;
  start: string;
  end: string;
  users: number;
  frames: number;
}

describe('cli/count', function () {
  this.timeout(60_000);
  let folder = '';
  let frames = '';
  let answer = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidemark-count-'));
    frames = join(folder, 'frames.jsonl');
    answer = join(folder, 'answer.jsonl');
    const sizes = ['--frames', '30000', '--users', '1500', '--bytes', '200', '--per-second', '50'];
    const faults = ['--flips', '50', '--malformed', '20', '--late-share', '0.01', '--late', '900'];
    const made = await tidemark([
      'generate',
      'frames',
      ...sizes,
      ...faults,
      '--out',
      frames,
      '--answer',
      answer,
    ]);
    assert.equal(made.exitCode, 0, String(made.stderr));
  });
  after(() => rm(folder, { recursive: true }));

  const exactAnswer = async (): Promise<Map<string, Exact>> => {
    const lines = await jsonLines<Exact>(answer);
    return new Map(lines.map((exact) => [`${exact.window}/${exact.start}`, exact]));
  };

  /** The newest result of every window must be the exact answer, all windows here being small. */
  const assertExact = async (stdout: unknown): Promise<void> => {
    const newest = new Map(resultsOf(stdout).map((result) => [`${result.window}/${result.start}`, result]));
    const expected = await exactAnswer();
    assert.deepEqual([...newest.keys()].sort(), [...expected.keys()].sort());
    for (const [key, { end, users, frames: count }] of expected) {
      const result = newest.get(key)!;
      assert.deepEqual([result.end, result.users, result.frames, result.error], [end, users, count, 0], key);
      assert.notEqual(result.status, 'provisional');
    }
  };

  it('counts a file, gzip or not, and standard input, redirected or piped, exactly alike', async () => {
    const zipped = join(folder, 'frames.jsonl.gz');
    await writeFile(zipped, gzipSync(await readFile(frames)));
    for (const [what, run] of Object.entries({
      file: tidemark(['count', '--file', frames]),
      gzip: tidemark(['count', '--file', zipped]),
      redirected: execa('sh', ['-c', `node ${MAIN} count --stdin < ${frames}`]),
      piped: execa('sh', ['-c', `cat ${frames} | node ${MAIN} count --stdin`]),
    })) {
      const { stdout, exitCode, stderr } = await run;
      assert.equal(exitCode, 0, `${what}: ${String(stderr)}`);
      await assertExact(stdout);
      assert.match(String(stderr), /30,000 frames in .* frames\/s/, what);
    }
  });

  it('writes what it did not count to the quarantine, with line and reason', async () => {
    const quarantine = join(folder, 'quarantine.jsonl');
    const { stderr } = await tidemark(['count', '--file', frames, '--quarantine', quarantine, '--json']);
    const summary = JSON.parse(String(stderr)) as {
      frames: number;
      counted: number;
      rejected: Record<string, number>;
    };
    assert.equal(summary.frames, 30_000);
    assert.equal(summary.counted, 30_000 - 70);
    const lines = (await readFile(frames, 'utf8')).split('\n');
    const rejected = (await readFile(quarantine, 'utf8')).trimEnd().split('\n');
    assert.equal(rejected.length, 70);
    const reasons: Record<string, number> = {};
    for (const text of rejected) {
      const { line, reason, frame } = JSON.parse(text) as { line: number; reason: string; frame: string };
      assert.equal(frame, lines[line - 1]);
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
    assert.deepEqual(reasons, summary.rejected);
    assert.equal((reasons.unconfirmed ?? 0) + (reasons['too-late'] ?? 0), 50);
  });

  it('reads every frame to its end when strict, and not otherwise', async () => {
    const input = ['{"ts":1468244340,"uid":"a","x":1}', '{"ts":1468244341,"uid":"b","x":}'].join('\n');
    const summary = async (...more: string[]) => {
      const { stderr } = await tidemark(['count', '--stdin', '--json', ...more], { input });
      const { counted, rejected } = JSON.parse(String(stderr)) as { counted: number; rejected: object };
      return { counted, rejected };
    };
    assert.deepEqual(await summary(), { counted: 2, rejected: {} });
    assert.deepEqual(await summary('--strict'), { counted: 1, rejected: { malformed: 1 } });
  });

  it('draws its progress on a terminal only', async function () {
    // script(1) of Linux gives a command a terminal; elsewhere its options are others.
    if (process.platform !== 'linux') this.skip();
    const command = `${process.execPath} ${MAIN} count --file ${frames}`;
    const onTerminal = await execa('script', ['-qec', `${command} > ${join(folder, 'drawn')}`, '/dev/null']);
    assert.match(onTerminal.stdout, /counting .*100 %/);
    assert.match(onTerminal.stdout, /30,000 frames in/);
    const piped = await tidemark(['count', '--file', frames]);
    assert.doesNotMatch(String(piped.stderr), /counting/);
    assert.ok(!String(piped.stderr).includes('\u001b'));
    // Results and bar on one terminal would be drawn over each other.
    const both = await execa('script', ['-qec', command, '/dev/null']);
    assert.doesNotMatch(both.stdout, /counting/);
    await assertExact(await readFile(join(folder, 'drawn'), 'utf8'));
  });

  it('counts other fields, several at once', async () => {
    const input =
      '{"at":1468244340,"who":"a","where":1}\n\n{"at":1468244341,"who":"b","where":1}\r\n{"at":"1468244342","who":"a","where":1}';
    const args = ['count', '--stdin', '--ts-field', 'at', '--id-field', 'who', '--id-field', 'where'];
    const { stdout } = await tidemark(args, { input });
    const day = resultsOf(stdout).filter(({ window }) => window === 'day');
    assert.deepEqual(
      day.map(({ field, users, frames: count }) => [field, users, count]),
      [
        ['who', 2, 3],
        ['where', 1, 3],
      ],
    );
  });

  it('gives provisional results while a pipe stays open, and what is known when interrupted', async () => {
    const running = tidemark(['count', '--stdin', '--provisional', '1', '--confirm-frames', '1'], {
      stdin: 'pipe',
    });
    let seen = '';
    const firstResults = new Promise<void>((resolve) => {
      running.stdout!.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        if (seen.includes('\n')) resolve();
      });
    });
    running.stdin!.write('{"ts":1468244340,"uid":"a"}\n{"ts":1468244341,"uid":"b"}\n');
    await firstResults;
    assert.ok(
      resultsOf(seen.slice(0, seen.lastIndexOf('\n'))).every(
        ({ status, users }) => status === 'provisional' && users === 2,
      ),
    );
    running.stdin!.write('{"ts":1468244342,"uid":"c"}\n');
    running.kill('SIGINT');
    const { exitCode, stderr } = await running;
    assert.equal(exitCode, 130);
    assert.match(String(stderr), /interrupted/);
  });

  it('counts two years of sparse frames in little memory, every window exactly', async () => {
    const made = join(folder, 'years.answer');
    const sizes = ['--frames', '60000', '--users', '5000', '--bytes', '60', '--days', '730'];
    const pipe = `node ${MAIN} generate frames ${sizes.join(' ')} --answer ${made} 2>/dev/null | node ${MAIN} count --stdin --json`;
    // A frame every eighteen minutes: a hundred never agree within six hours, eight do.
    const rules = '--lateness 21600 --confirm-frames 8 --precision 18 --provisional 0';
    const { stdout, stderr } = await execa('sh', ['-c', `${pipe} ${rules}`], { maxBuffer: 1e9 });
    const summary = JSON.parse(stderr) as { peakRssMb: number; counted: number };
    assert.equal(summary.counted, 60_000);
    assert.ok(summary.peakRssMb < 300, `${summary.peakRssMb} MB`);
    const newest = new Map(resultsOf(stdout).map((result) => [`${result.window}/${result.start}`, result]));
    const expected = await jsonLines<Exact>(made);
    assert.equal(newest.size, expected.length);
    for (const { window, start, users, frames: count } of expected) {
      const result = newest.get(`${window}/${start}`);
      assert.deepEqual(
        [result?.users, result?.frames, result?.status === 'provisional'],
        [users, count, false],
      );
    }
  });

  it('keeps nothing of what it has read of a pipe', async () => {
    const made = `node ${MAIN} generate frames --frames 200000 --users 1000 2>/dev/null`;
    const { stderr } = await execa('sh', ['-c', `${made} | node ${MAIN} count --stdin --json > /dev/null`]);
    const { frames: read, peakRssMb } = JSON.parse(stderr) as { frames: number; peakRssMb: number };
    assert.equal(read, 200_000);
    // 415 MB have gone through it.
    assert.ok(peakRssMb < 200, `${peakRssMb} MB`);
  });

  it('says clearly what is wrong with how it is called', async () => {
    const many = Array.from({ length: 30 }, (_, i) => ['--id-field', `field${i}`]).flat();
    const table: [args: string[], message: RegExp][] = [
      [[], /--stdin or --file/],
      [['--stdin', '--file', frames], /--stdin or --file/],
      [['--file', join(folder, 'none')], /opening .*none/],
      [['--file', frames, '--precision', '3'], /4 to 18/],
      [['--file', frames, '--id-field', 'ts'], /--id-field and --ts-field must all differ/],
      [['--file', frames, ...many], /at most 29 fields/],
    ];
    for (const [args, message] of table) {
      const { exitCode, stderr } = await tidemark(['count', ...args]);
      assert.equal(exitCode, 1);
      assert.match(String(stderr), message);
    }
  });
});
