import { join } from 'node:path';
import type { UniqueUsersResult } from '../../src/core/uniques-result.js';
import { packageRoot } from '../../src/package-root.js';
import type { Program, Said } from './programs.js';

/** `tidemark count` as anybody runs it, but that its last line says what it used. */

export const distFile = (...path: string[]): string => join(packageRoot, 'dist', ...path);

export const tidemarkCount = (...input: string[]): Program['command'] => [
  process.execPath,
  '--import',
  distFile('bench', 'uniques', 'say-at-exit.js'),
  distFile('src', 'cli', 'main.js'),
  'count',
  ...input,
];

/** Reads `cat` of a file from a pipe. */
export const piped = (path: string, command: readonly string[]): Program['command'] => [
  'sh',
  '-c',
  'cat "$0" | "$@"',
  path,
  ...command,
];

export const resultsOf = (lines: readonly string[]): UniqueUsersResult[] =>
  lines.slice(0, -1).map((line) => JSON.parse(line) as UniqueUsersResult);

/** By its results what it counted, by its last line what it used. */
export function saidOf(lines: readonly string[], results = resultsOf(lines)): Said {
  const years = new Map<string, UniqueUsersResult>();
  for (const result of results) if (result.window === 'year') years.set(result.start, result);
  const sum = (of: (result: UniqueUsersResult) => number): number =>
    [...years.values()].reduce((total, result) => total + of(result), 0);
  const used = JSON.parse(lines.at(-1) ?? '') as Pick<Said, 'cpuMs' | 'peakRssMb'>;
  return { frames: sum(({ frames }) => frames), users: sum(({ users }) => users), ...used };
}
