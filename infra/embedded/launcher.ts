import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Launch } from './service.js';

/** A log that has grown past this is set aside at the next start; one older is kept. */
const LOG_LIMIT_BYTES = 16 * 1024 * 1024;

/** What services see of our environment: nothing that could configure them behind our back. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'JAVA_HOME', 'USER', 'LOGNAME', 'NODE_OPTIONS'];

/**
 * The process waits for one line before it becomes the service, so that it is on record before it does anything:
 * if we die in between, it reads the end of the pipe and ends. A service that does not hold its standard input
 * open gets none.
 */
const GATE = { held: 'read -r go && exec "$@"', closed: 'read -r go && exec "$@" </dev/null' };

export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Lets it become the service. */
  go(): void;
  closeStdin(): void;
}

/** Starts a process behind its gate, in a process group of its own, so that a terminal's Ctrl-C is ours alone. */
export function spawnGated(launch: Launch, logPath: string, holdsStdin: boolean): Started {
  rotate(logPath);
  const log = openSync(logPath, 'a', 0o600);
  try {
    const gate = holdsStdin ? GATE.held : GATE.closed;
    const child = spawn('/bin/sh', ['-c', gate, 'tidemark', launch.command, ...launch.args], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', log, log],
      env: { ...passedOn(process.env), ...launch.env },
      ...launch.user,
    });
    // A service that dies early closes its end; its exit is what we act on.
    child.stdin?.on('error', () => undefined);
    if (child.pid === undefined) throw new Error(`starting ${launch.command}: no process`);
    return {
      pid: child.pid,
      child,
      go: () => {
        child.stdin?.write('go\n');
        if (!holdsStdin) child.stdin?.end();
      },
      closeStdin: () => child.stdin?.end(),
    };
  } finally {
    closeSync(log);
  }
}

function passedOn(env: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(env).filter(
    ([name, value]) => value !== undefined && (PASSED_ON.includes(name) || name.startsWith('TIDEMARK_')),
  );
  return Object.fromEntries(entries) as Record<string, string>;
}

function rotate(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
}
