/** The last line of a counting program: what it counted and what it used. */
export function sayUsage(frames: number, users: number, more = { cpuMs: 0, peakRssMb: 0 }): void {
  const { cpuMs, peakRssMb } = ownUsage();
  const said = { frames, users, cpuMs: cpuMs + more.cpuMs, peakRssMb: peakRssMb + more.peakRssMb };
  console.log(JSON.stringify(said));
}

export function ownUsage(): { cpuMs: number; peakRssMb: number } {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return { cpuMs: Math.round((userCPUTime + systemCPUTime) / 1000), peakRssMb: Math.round(maxRSS / 1024) };
}
