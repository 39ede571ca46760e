import { identityFault, talliesOf } from '../core/logins/tally.js';
import type { CleanPlan, CleanStatus, JobReport } from '../messages.js';
import { isSlice, jobStatus, type JobStatusParts } from './job-status.js';

/** Ended laps and heartbeats as one. */
export function cleanStatus(parts: JobStatusParts<CleanPlan>): CleanStatus {
  const status = jobStatus(parts, countsOf);
  const partitions = status.reports
    .filter(isSlice)
    .flatMap(({ counts }) => talliesOf(counts))
    .sort((a, b) => a.partition - b.partition);
  return {
    ...status,
    partitions,
    identityHolds: partitions.every((tally) => identityFault(tally) === undefined),
  };
}

/** Messages of all partitions by how they ended, and what the merge stage holds. */
function countsOf(reports: readonly JobReport[]): Record<string, number> {
  const counts: Record<string, number> = { read: 0, clean: 0, dlq: 0, filtered: 0 };
  for (const { read, clean, dlq, filtered } of reports
    .filter(isSlice)
    .flatMap((report) => talliesOf(report.counts))) {
    counts.read! += read;
    counts.clean! += clean;
    counts.dlq! += dlq;
    counts.filtered! += filtered;
  }
  return { ...counts, ...reports.find((report) => !isSlice(report))?.counts };
}
