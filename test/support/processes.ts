import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What Linux tells about running processes, read independently of the supervisor. */

/** Live processes (no zombies) with this group leader; proc(5): fields 3 and 5 of stat. */
export function membersOfGroup(leader: number): number[] {
  return processes().filter((pid) => {
    const [state, , group] = statOf(pid);
    return Number(group) === leader && state !== 'Z' && state !== 'X';
  });
}

/** Live processes whose command line names this text. */
export function processesNaming(text: string): number[] {
  return processes().filter((pid) => pid !== process.pid && read(`/proc/${pid}/cmdline`).includes(text));
}

/** Local addresses the processes listen on, as `127.0.0.1:19000`; an IPv6 one is `[32 hex digits]:port`. */
export function listening(pids: readonly number[]): string[] {
  const inodes = new Set(pids.flatMap(socketsOf));
  return ['tcp', 'tcp6'].flatMap((table) =>
    read(`/proc/net/${table}`)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === LISTEN && inodes.has(inode ?? ''))
      .map(([, local = '']) => addressOf(local)),
  );
}

/** TCP_LISTEN in /proc/net/tcp. */
const LISTEN = '0A';

/** IPv4 addresses are printed as one number in the byte order of the machine. */
function addressOf(local: string): string {
  const [hex = '', port = ''] = local.split(':');
  const bytes = hex.length === 8 ? [...Buffer.from(hex, 'hex')].reverse().join('.') : `[${hex}]`;
  return `${bytes}:${parseInt(port, 16)}`;
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const match = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`));
      return match?.[1] ?? [];
    });
  } catch {
    // Ended since it was listed.
    return [];
  }
}

const processes = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function statOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Empty where the process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
