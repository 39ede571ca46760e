import { colours } from './colours.js';
import type {
  ReplayDryRun,
  ReplayGap,
  ReplayLacks,
  ReplayPlan,
  ReplayResult,
  ReplayStatus,
  ReplayVerification,
} from '../messages.js';
import { plainTable } from './table.js';

/** Replays as people read them. */

export function describeDryRun({ plan, partitions, gaps, misplacedKeys, sample }: ReplayDryRun): string {
  const verdicts = [...new Set(partitions.flatMap(({ counts }) => namesOf(counts)))];
  const table = plainTable(
    ['partition', 'offsets', ...verdicts],
    ['right', 'left', ...verdicts.map(() => 'right' as const)],
  );
  const ranges = new Map(
    plan.slices.flatMap((slice) => slice.ranges.map((range) => [range.partition, range])),
  );
  for (const { partition, counts } of partitions) {
    const range = ranges.get(partition);
    const offsets = range ? `${range.startOffset} to ${range.endOffset}` : '-';
    table.push([partition, offsets, ...verdicts.map((verdict) => counts[verdict] ?? 0)]);
  }
  const samples = sample.map(
    ({ partition, offset, timestampMs, key, value }) =>
      `  ${partition}@${offset} ${new Date(timestampMs).toISOString()} ${key ?? '(no key)'} ${value ?? '(tombstone)'}`,
  );
  const misplaced =
    misplacedKeys === '0' || plan.source.partitions === plan.target.partitions
      ? []
      : [
          colours.yellow(
            `  ${misplacedKeys} keys are not where a Java producer puts them: their order is kept per partition of A only`,
          ),
        ];
  return [
    `${plan.source.topic} to ${plan.target.topic}:`,
    table.toString(),
    ...warningsOf(plan),
    ...misplaced,
    ...gapLines(gaps),
    ...(samples.length > 0 ? ['first selected records:', ...samples] : []),
  ].join('\n');
}

export function describeLacks({ plan, selected, missing, runs, lacks }: ReplayLacks): string {
  const table = plainTable(['partition', 'offsets', 'what', 'records'], ['right', 'left', 'left', 'right']);
  for (const { partition, startOffset, endOffset, kind, records } of lacks) {
    table.push([partition, `${startOffset} to ${endOffset}`, kind, records]);
  }
  return [
    `${plan.target.topic} lacks ${missing} of ${selected} selected records of ${plan.source.topic}`,
    ...(lacks.length > 0 ? [table.toString()] : []),
    ...(runs > lacks.length ? [`  and ${runs - lacks.length} more`] : []),
    ...(missing === '0' ? [] : ['tidemark replay start <job> A B --fill copies exactly these']),
  ].join('\n');
}

export function describeStatus(status: ReplayStatus): string {
  const { job, state, done, total, counts, gaps, recordsPerSecond, etaMs, fault, result, plan } = status;
  const share = total === '0' ? 100 : (100 * Number(done)) / Number(total);
  const pace = recordsPerSecond === null ? '' : `, ${recordsPerSecond} records/s`;
  const eta = etaMs === null ? '' : `, about ${Math.ceil(etaMs / 1_000)} s to go`;
  return [
    `${job}: ${state}, ${done} of ${total} offsets (${share.toFixed(1)} %)${pace}${eta}`,
    ...(plan ? [`  ${plan.source.topic} to ${plan.target.topic}`] : []),
    `  ${countsText(counts)}`,
    ...gapLines(gaps),
    ...(fault === null ? [] : [colours.yellow(`  ${fault}`)]),
    ...(result?.verification ? [`  ${describeVerification(result.verification)}`] : []),
  ].join('\n');
}

export function describeResult(result: ReplayResult): string {
  const seconds = ((result.finishedAtMs - result.startedAtMs) / 1_000).toFixed(1);
  const head = result.reused
    ? `${result.job} has finished before (${new Date(result.finishedAtMs).toISOString()}): this is its record`
    : `${result.job} finished in ${seconds} s`;
  return [
    head,
    `  ${countsText(result.counts)}`,
    ...result.warnings.map((warning) => colours.yellow(`  ${warning}`)),
    ...gapLines(result.gaps),
    `  ${result.verification ? describeVerification(result.verification) : 'not verified'}`,
  ].join('\n');
}

export function describeVerification({ verdict, partitions, outOfOrder, gaps }: ReplayVerification): string {
  const sum = (of: 'expected' | 'found'): bigint =>
    partitions.reduce((total, partition) => total + BigInt(partition[of]), 0n);
  const different = partitions.filter((one) => one.expectedDigest !== one.foundDigest);
  return [
    `verification ${verdict}: ${sum('found')} of ${sum('expected')} records in B`,
    ...different.map(
      ({ partition, expected, found }) => `  partition ${partition} differs: ${found} of ${expected} records`,
    ),
    ...(outOfOrder === '0' ? [] : [`  ${outOfOrder} records out of order`]),
    ...gaps.map(({ topic, partition, startOffset, endOffset, reason }) =>
      colours.yellow(`  ${topic}-${partition} [${startOffset}, ${endOffset}) is gone (${reason})`),
    ),
  ].join('\n');
}

const namesOf = (counts: Readonly<Record<string, number>>): string[] =>
  Object.keys(counts).filter((verdict) => verdict === 'selected' || (counts[verdict] ?? 0) > 0);

const countsText = (counts: Readonly<Record<string, number>>): string =>
  namesOf(counts)
    .map((verdict) => `${counts[verdict] ?? 0} ${verdict}`)
    .join(', ') || 'nothing read yet';

const gapLines = (gaps: readonly ReplayGap[]): string[] =>
  gaps.map(({ partition, startOffset, endOffset, reason }) =>
    colours.yellow(`  gap: partition ${partition} [${startOffset}, ${endOffset}) (${reason})`),
  );

const warningsOf = ({ warnings, undecided }: ReplayPlan): string[] => [
  ...warnings.map((warning) => colours.yellow(`  ${warning}`)),
  ...undecided.map(({ partition, startOffset, endOffset }) =>
    colours.yellow(
      `  partition ${partition} [${startOffset}, ${endOffset}) belongs to open transactions: not part of it`,
    ),
  ),
];
