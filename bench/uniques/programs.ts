import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** What a counting program says of itself. */
export interface Said {
  readonly frames: number;
  /** Users of all years: the proof that it counted. */
  readonly users: number;
  readonly cpuMs: number;
  readonly peakRssMb: number;
}

export interface Program {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** A file that is its standard input. */
  readonly stdin?: string;
  /** Bound to so many cores; all of them without. */
  readonly cores?: number;
  readonly frames: number;
  /** Makes it out of the lines of its output; without, the last one says it. */
  readonly said?: (lines: readonly string[]) => Said;
}

export interface Run extends Said {
  /** From the start of the process to its end. */
  readonly elapsedMs: number;
  readonly framesPerSecond: number;
}

/** Runs a program to its end. @throws Error with what it wrote to standard error. */
export async function run(program: Program): Promise<Run> {
  const { name, frames, said: read = lastLine } = program;
  const startedMs = performance.now();
  const { code, out, errors } = await ended(program);
  const elapsedMs = performance.now() - startedMs;
  if (code !== 0) throw new Error(`${name} ended with ${String(code)}: ${errors}`);
  const said = read(out.trimEnd().split('\n'));
  if (said.frames !== frames) throw new Error(`${name} counted ${said.frames} of ${frames} frames`);
  return { ...said, elapsedMs, framesPerSecond: (1_000 * frames) / elapsedMs };
}

const lastLine = (lines: readonly string[]): Said => JSON.parse(lines.at(-1) ?? '') as Said;

async function ended({ command, cores, stdin }: Program) {
  const [file, ...args] = cores === undefined ? command : ['taskset', '-c', cpuList(cores), ...command];
  // Certificates that a machine adds to Node's are parsed at its start, some 70 ms: of a proxy's concern, not of counting.
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: '' };
  const input = stdin === undefined ? undefined : openSync(stdin, 'r');
  try {
    const child = spawn(file, args, { stdio: [input ?? 'ignore', 'pipe', 'pipe'], env });
    let out = '';
    let errors = '';
    child.stdout!.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    return { code, out, errors };
  } finally {
    if (input !== undefined) closeSync(input);
  }
}

const cpuList = (cores: number): string => (cores === 1 ? '0' : `0-${cores - 1}`);
