import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../src/package-root.js';

const MAIN = join(packageRoot, 'dist', 'src', 'cli', 'main.js');

export interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `tidemark` as a shell would, without a terminal. */
export async function tidemark(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [MAIN, ...args], {
    reject: false,
    stdin: 'ignore',
    env: { NO_COLOR: '1', ...env },
  });
  return { exitCode, stdout, stderr };
}

/** What a command wrote to a file, one JSON value a line. */
export const jsonLines = async <T>(file: string): Promise<T[]> =>
  (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

/** Non-zero exit, nothing on standard output, and on standard error one line that says this. */
export function assertOneLine({ exitCode, stdout, stderr }: Ran, says: RegExp): void {
  assert.ok(exitCode !== undefined && exitCode > 0, `exit code ${exitCode}: ${stderr}`);
  assert.equal(stdout, '');
  assert.match(stderr, says);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
  assert.match(stderr, /^tidemark: /);
  // No stack trace, however it is folded into the line.
  assert.doesNotMatch(stderr, /\bat .*(:\d+:\d+|node:)/);
}
