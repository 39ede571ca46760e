import Table from 'cli-table3';
import type { ShownInsights } from '../client/clean.js';
import type { CleanPartition, CleanResult, CleanStatus } from '../messages.js';
import { talliesOf } from '../core/logins/tally.js';
import { colours } from './colours.js';
import { thousands } from './numbers.js';

export function describeClean(status: CleanStatus): string {
  const { job, state, done, total, recordsPerSecond, etaMs, counts, plan, partitions, fault } = status;
  const lines = [`cleaning ${job}: ${state === 'counting' ? 'running' : state}`];
  if (plan !== null) {
    const { source, clean, dlq, slices } = plan;
    lines.push(
      `  ${source.topic} (${source.partitions} partitions, ${slices.length} slices) to ${clean.topic}, dead letters to ${dlq.topic}`,
    );
  }
  const rate = recordsPerSecond === null ? '' : `, ${thousands(recordsPerSecond)} messages/s`;
  const left = etaMs === null ? '' : `, ${Math.ceil(etaMs / 1_000)} s left`;
  lines.push(
    `  ${thousands(done)}${total === null ? '' : ` of ${thousands(total)}`} offsets passed${rate}${left}`,
  );
  if (partitions.length > 0) lines.push(identityTable(partitions));
  lines.push(
    status.identityHolds
      ? '  read = clean + dlq + filtered holds in every partition'
      : colours.red('  read = clean + dlq + filtered is BROKEN'),
  );
  const overflow = overflowOf(counts);
  if (overflow !== undefined) lines.push(colours.yellow(`  ${overflow}`));
  if (fault !== null) lines.push(colours.yellow(`  ${fault}`));
  return lines.join('\n');
}

export const describeCleanEnd = (result: CleanResult): string =>
  [
    `cleaning ${result.job} ${result.outcome}${result.reused ? ' earlier: this is its record' : ''}`,
    identityTable(talliesOf(result.counts)),
    ...result.gaps.map((gap) =>
      colours.yellow(
        `  lost: partition ${gap.partition} [${gap.startOffset}, ${gap.endOffset}), ${gap.reason}`,
      ),
    ),
  ].join('\n');

export function describeInsights({ windows, alerts, identity }: ShownInsights): string {
  const counted = table(['window', 'value', 'logins', 'users', 'error', 'status'], [2, 3, 4]);
  for (const { start, dimension, value, logins, users, error, status, revision } of windows) {
    const percent = error === 0 ? 'exact' : `±${(100 * error).toFixed(2)} %`;
    const name = dimension === 'all' ? 'all' : value;
    counted.push([
      start,
      name,
      thousands(logins),
      thousands(users),
      percent,
      revision > 0 ? `${status} ${revision}` : status,
    ]);
  }
  const alerted = table(['window', 'alert', 'subject', 'count', 'among them', 'status'], [3]);
  for (const { start, alert, subject, count, members, status } of alerts) {
    alerted.push([start, alert, subject, thousands(count), members.slice(0, 3).join(' '), status]);
  }
  return [
    counted.toString(),
    alerts.length === 0 ? 'no alerts' : alerted.toString(),
    identity.length === 0 ? 'no partition has reported yet' : identityTable(identity),
  ].join('\n');
}

function identityTable(partitions: readonly CleanPartition[]): string {
  const rows = table(
    ['partition', 'offset', 'read', '=', 'clean', '+ dlq', '+ filtered', 'reasons'],
    [1, 2, 4, 5, 6],
  );
  for (const { partition, offset, read, clean, dlq, filtered, dlqReasons, filteredReasons } of partitions) {
    const holds = read === clean + dlq + filtered;
    rows.push([
      partition,
      thousands(offset),
      thousands(read),
      holds ? '=' : colours.red('≠'),
      thousands(clean),
      thousands(dlq),
      thousands(filtered),
      reasonsOf({ ...filteredReasons, ...dlqReasons }),
    ]);
  }
  return rows.toString();
}

/** The three most frequent. */
function reasonsOf(reasons: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(reasons).sort(([, a], [, b]) => b - a);
  const told = sorted.slice(0, 3).map(([reason, count]) => `${thousands(count)} ${reason}`);
  return [...told, ...(sorted.length > 3 ? [`${sorted.length - 3} more`] : [])].join(', ');
}

/** What found no place in the merge stage's memory, in words. */
function overflowOf(counts: Readonly<Record<string, number>>): string | undefined {
  const {
    overflowUsers = 0,
    overflowDevices = 0,
    overflowValues = 0,
    afterClose = 0,
    lateForAlerts = 0,
  } = counts;
  const parts = [
    overflowUsers + overflowDevices > 0 &&
      `${thousands(overflowUsers)} logins of users and ${thousands(overflowDevices)} of devices not followed for alerts (--entries)`,
    overflowValues > 0 && `${thousands(overflowValues)} counted under (other)`,
    afterClose > 0 && `${thousands(afterClose)} came after their window had closed`,
    lateForAlerts > 0 && `${thousands(lateForAlerts)} came too late for alerts`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? undefined : parts.join('; ');
}

const table = (head: string[], numbers: readonly number[]): Table.Table =>
  new Table({
    head,
    style: { head: [], border: [] },
    colAligns: head.map((_, i) => (numbers.includes(i) ? 'right' : 'left')),
  });
