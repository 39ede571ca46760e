import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../src/package-root.js';

const PEERS = join(packageRoot, 'bench', 'peers');
const DUCKDB_VERSION = '2.0.0';

/** Builds the Go counter. Needs `go`. */
export async function goPeer(folder: string): Promise<string> {
  const binary = join(folder, 'go-peer');
  await execa('go', ['build', '-o', binary, '.'], { cwd: join(PEERS, 'go') });
  return binary;
}

/** Compiles the Java consumer and fetches its libraries; gives its class path. Needs `mvn` and a JDK. */
export async function javaPeer(folder: string): Promise<string> {
  const libraries = join(folder, 'java-libs');
  const classes = join(folder, 'java-classes');
  mkdirSync(classes, { recursive: true });
  const project = join(PEERS, 'java');
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${libraries}`];
  await execa('mvn', ['-q', '-B', ...goal], { cwd: project });
  const source = join(project, 'src', 'main', 'java', 'bench', 'UniqueUsers.java');
  await execa('javac', ['-cp', `${libraries}/*`, '-d', classes, source]);
  return `${classes}:${libraries}/*`;
}

/** A Python with duckdb. Needs `python3` with venv. */
export async function duckdbPython(folder: string): Promise<string> {
  const python = join(folder, 'venv', 'bin', 'python');
  if (existsSync(python)) return python;
  await execa('python3', ['-m', 'venv', join(folder, 'venv')]);
  await execa(python, ['-m', 'pip', 'install', '-q', `duckdb==${DUCKDB_VERSION}`]);
  return python;
}

export const duckdbScript = join(PEERS, 'duckdb', 'count.py');
export const jsonParseScript = join(packageRoot, 'dist', 'bench', 'peers', 'json-parse', 'count.js');
