import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  /** User and system time of a process and its group, milliseconds. */
  readonly cpuMs: number;
  /** Sum of the peak resident sizes of the group's living processes, MiB. */
  readonly peakRssMb: number;
}

/** USER_HZ is 100 on every Linux that is not built by hand. */
const MS_PER_TICK = 10;

/** What a process group has used so far, from proc(5); undefined where there is no /proc. */
export function groupUsage(leader: number): Usage | undefined {
  if (process.platform !== 'linux') return undefined;
  let cpuMs = 0;
  let peakRssMb = 0;
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = read(`/proc/${pid}/stat`);
    // After the bracketed name: state ppid pgrp ... utime(12th) stime cutime cstime.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields === undefined || Number(fields[2]) !== leader) continue;
    const ticks = fields
      .slice(11, pid === String(leader) ? 15 : 13)
      .reduce((sum, field) => sum + Number(field), 0);
    cpuMs += ticks * MS_PER_TICK;
    const peak = /VmHWM:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`) ?? '');
    peakRssMb += Number(peak?.[1] ?? 0) / 1024;
  }
  return { cpuMs, peakRssMb: Math.round(peakRssMb) };
}

/** A process may end between being listed and being read. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
