import type { Config } from '../../src/config.js';
import type { Selection } from '../../src/core/filter.js';
import type { Slice } from '../../src/stream/run-slice.js';

/** What a program is to copy; told on its command line as JSON. */
export interface CopyOrder {
  readonly kafka: Config['kafka'];
  readonly slice: Slice;
  readonly target: { readonly topic: string; readonly topicId: string };
  readonly partitions: number;
  readonly selection: Selection;
}

/** The last line of a program: from its first request for records to its last commit. */
export interface Copied {
  readonly read: number;
  readonly written: number;
  readonly elapsedMs: number;
  /** Of the whole process. */
  readonly cpuMs: number;
  readonly peakRssMb: number;
}

export const said = (copied: Omit<Copied, 'cpuMs' | 'peakRssMb'>): string => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const cpuMs = Math.round((userCPUTime + systemCPUTime) / 1_000);
  return JSON.stringify({ ...copied, cpuMs, peakRssMb: Math.round(maxRSS / 1_024) } satisfies Copied);
};
