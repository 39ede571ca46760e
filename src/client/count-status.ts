import type { CountPlan, CountReport, CountStatus } from '../messages.js';
import { isSlice, jobStatus, type JobStatusParts } from './job-status.js';

export type CountStatusParts = JobStatusParts<CountPlan>;

/** Ended laps and heartbeats as one. */
export function countStatus(parts: CountStatusParts): CountStatus {
  const { recordsPerSecond, ...status } = jobStatus(parts, countsOf);
  return { ...status, framesPerSecond: recordsPerSecond };
}

/** Frames as the slices have counted them, results as the merge stage has. */
function countsOf(reports: readonly CountReport[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const report of reports.filter(isSlice)) {
    for (const [name, frames] of Object.entries(report.counts)) counts[name] = (counts[name] ?? 0) + frames;
  }
  const merge = reports.find((report) => !isSlice(report));
  return { ...counts, results: merge?.counts.results ?? 0 };
}
