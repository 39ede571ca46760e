import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * A process for good: the kernel gives a pid again, but never with the same start time. `startedAt` is an opaque
 * text: clock ticks since boot and the boot's id on Linux, what `ps` prints elsewhere.
 */
export const ProcessIdentitySchema = z.object({ pid: z.int().positive(), startedAt: z.string() });
export type ProcessIdentity = z.infer<typeof ProcessIdentitySchema>;

/** Undefined when there is no such process, or only its zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

export function self(): ProcessIdentity {
  const identity = identify(process.pid);
  if (identity === undefined) throw new Error('reading the start time of this process: not to be had');
  return identity;
}

/** proc(5): field 3 of /proc/PID/stat is the state, field 22 the start time; field 2 may hold spaces and brackets. */
function startOnLinux(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (isNoSuchProcess(error)) return undefined;
    throw error;
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return `${fields[19]}@${bootId()}`;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function startByPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch (error) {
    // ps exits 1 when no process matches.
    if ((error as { status?: number }).status === 1) return undefined;
    throw error;
  }
}

function isNoSuchProcess(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ESRCH';
}

/** Sends a signal to a process group; false when it is gone already. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return false;
    // macOS answers EPERM for a group of zombies only.
    if (code === 'EPERM' && process.platform === 'darwin') return false;
    throw error;
  }
}

/** Polls until the condition holds; false when it does not within `limitMs`. */
export async function holdsWithin(limitMs: number, condition: () => boolean): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}
