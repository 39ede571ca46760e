import Table from 'cli-table3';
import type { UniqueUsersResult } from '../core/uniques-result.js';
import type { CountResult, CountStatus } from '../messages.js';
import { colours } from './colours.js';
import { thousands } from './numbers.js';

/** What `tidemark count start|status|show|stop` say to a person. */

export function describeStatus(status: CountStatus): string {
  const { job, state, done, total, framesPerSecond, etaMs, counts, plan, fault } = status;
  const lines = [`count ${job}: ${state}`];
  if (plan !== null) {
    const { source, target, slices } = plan;
    lines.push(
      `  ${source.topic} (${source.partitions} partitions, ${slices.length} slices) to ${target.topic}`,
    );
  }
  const rate = framesPerSecond === null ? '' : `, ${thousands(framesPerSecond)} frames/s`;
  const left = etaMs === null ? '' : `, ${Math.ceil(etaMs / 1_000)} s left`;
  lines.push(
    `  ${thousands(done)}${total === null ? '' : ` of ${thousands(total)}`} offsets passed${rate}${left}`,
  );
  lines.push(describeCounts(counts));
  if (fault !== null) lines.push(colours.yellow(`  ${fault}`));
  return lines.join('\n');
}

export const describeEnd = (result: CountResult): string =>
  [
    `count ${result.job} ${result.outcome}${result.reused ? ' earlier: this is its record' : ''}`,
    describeCounts(result.counts),
    ...result.gaps.map((gap) =>
      colours.yellow(
        `  lost: partition ${gap.partition} [${gap.startOffset}, ${gap.endOffset}), ${gap.reason}`,
      ),
    ),
  ].join('\n');

/** Counts that are not of quarantined frames. */
const NOT_REASONS = new Set(['read', 'accept', 'late', 'results', 'afterClose', 'openWindows']);

function describeCounts(counts: Readonly<Record<string, number>>): string {
  const { read = 0, accept = 0, late = 0, results = 0, afterClose = 0 } = counts;
  const reasons = Object.entries(counts).filter(([name, frames]) => frames > 0 && !NOT_REASONS.has(name));
  const quarantined =
    reasons.map(([reason, frames]) => `${thousands(frames)} ${reason}`).join(', ') || 'none';
  const closed = afterClose > 0 ? `; ${thousands(afterClose)} states came after their window had closed` : '';
  return `  ${thousands(read)} frames, ${thousands(accept + late)} counted (${thousands(late)} late), in quarantine: ${quarantined}; ${thousands(results)} results${closed}`;
}

export function describeResults(job: string, results: readonly UniqueUsersResult[]): string {
  if (results.length === 0) return `count ${job}: ClickHouse has no such result yet`;
  const table = new Table({
    head: ['window', 'start', 'field', 'users', 'error', 'frames', 'status'],
    style: { head: [], border: [] },
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'left'],
  });
  for (const { window, start, field, users, error, frames, status, revision } of results) {
    const percent = error === 0 ? 'exact' : `±${(100 * error).toFixed(2)} %`;
    table.push([
      window,
      start,
      field ?? '',
      thousands(users),
      percent,
      thousands(frames),
      revision > 0 ? `${status} ${revision}` : status,
    ]);
  }
  return table.toString();
}
