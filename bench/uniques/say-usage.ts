import { readFileSync } from 'node:fs';

/** The last line of a counting program: what it counted and what it used. */
export function sayUsage(frames: number, users: number, more = { cpuMs: 0, peakRssMb: 0 }): void {
  const { cpuMs, peakRssMb } = ownUsage();
  const said = { frames, users, cpuMs: cpuMs + more.cpuMs, peakRssMb: peakRssMb + more.peakRssMb };
  console.log(JSON.stringify(said));
}

export function ownUsage(): { cpuMs: number; peakRssMb: number } {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return {
    cpuMs: Math.round((userCPUTime + systemCPUTime) / 1000),
    peakRssMb: Math.round((peakKb() ?? maxRSS) / 1024),
  };
}

/** Of this program: what getrusage(2) says on Linux begins with the size of the process that started it. */
function peakKb(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
