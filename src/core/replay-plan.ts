import { PipelineError } from './errors.js';
import { compileFilter, type Selection } from './filter.js';
import { jobNameFaults } from './sliced-job.js';

/** Offsets `[startOffset, endOffset)` of one partition. */
export interface PartitionRange {
  readonly partition: number;
  readonly startOffset: number;
  readonly endOffset: number;
}

/** The bounds of a partition when the plan is made. */
export interface PartitionBounds {
  readonly partition: number;
  readonly logStartOffset: number;
  readonly lastStableOffset: number;
}

export interface AskedPartition {
  readonly partition: number;
  readonly startOffset?: string;
  readonly endOffset?: string;
}

export interface Asked {
  readonly job: string;
  readonly source: string;
  readonly sourceCluster?: string;
  readonly target: string;
  readonly selection: Selection;
  readonly ranges?: readonly AskedPartition[];
  readonly slices?: number;
}

const OFFSET = /^\d{1,15}$/;

/** What is wrong with an input whatever the topics hold, all at once. @throws PipelineError `BAD_SELECTION`, `BAD_REPLAY`. */
export function checkAsked(asked: Asked, nowMs: number): void {
  compileFilter(asked.selection);
  const faults: string[] = [];
  faults.push(...jobNameFaults(asked.job));
  const isOneCluster = asked.sourceCluster === undefined;
  if (isOneCluster && asked.source === asked.target)
    faults.push('A and B are the same topic: it would feed itself');
  const { slices = 1, ranges = [] } = asked;
  if (!Number.isInteger(slices) || slices < 1) faults.push('there must be at least one slice');
  const partitions = new Set(ranges.map(({ partition }) => partition));
  if (partitions.size < ranges.length) faults.push('a partition is asked for twice');
  for (const { partition, startOffset = '0', endOffset } of ranges) {
    const isRange = OFFSET.test(startOffset) && (endOffset === undefined || OFFSET.test(endOffset));
    if (!isRange || (endOffset !== undefined && Number(startOffset) > Number(endOffset))) {
      faults.push(`partition ${partition}: ${startOffset} to ${endOffset ?? 'the end'} is no range`);
    }
  }
  const { window } = asked.selection;
  if (window && window.fromMs > nowMs) faults.push('the window lies in the future: there is nothing yet');
  if (faults.length === 0) return;
  throw new PipelineError('BAD_REPLAY', `reading what replay ${asked.job} is to do: ${faults.join('; ')}`);
}

/**
 * The ranges to read: what was asked for within what the log holds, frozen. A start below the log's stays, so that the reader
 * reports what is gone; an end above the last stable offset is refused, as it would wait for records yet to come.
 * @throws PipelineError `BAD_REPLAY`.
 */
export function boundRanges(
  bounds: readonly PartitionBounds[],
  asked: readonly AskedPartition[] | undefined,
  /** By partition the first offset that can hold a selected record; absent where nothing can. */
  firstSelectable: ReadonlyMap<number, number | undefined> | undefined,
): PartitionRange[] {
  const faults: string[] = [];
  const ranges = (asked ?? bounds).map(({ partition, ...wanted }: AskedPartition): PartitionRange => {
    const found = bounds.find((bound) => bound.partition === partition);
    if (found === undefined) {
      faults.push(`there is no partition ${partition}`);
      return { partition, startOffset: 0, endOffset: 0 };
    }
    const { logStartOffset, lastStableOffset } = found;
    const endOffset = wanted.endOffset === undefined ? lastStableOffset : Number(wanted.endOffset);
    if (endOffset > lastStableOffset) {
      faults.push(`partition ${partition} is decided up to ${lastStableOffset} only, not ${endOffset}`);
    }
    if (wanted.startOffset !== undefined) {
      return { partition, startOffset: Number(wanted.startOffset), endOffset };
    }
    const first = firstSelectable === undefined ? logStartOffset : firstSelectable.get(partition);
    return { partition, startOffset: Math.min(first ?? endOffset, endOffset), endOffset };
  });
  if (faults.length > 0) throw new PipelineError('BAD_REPLAY', `planning ranges: ${faults.join('; ')}`);
  return ranges;
}

/** Ranges in at most `wanted` groups of about the same length: the longest first, each to the group that has least. */
export function cutSlices(ranges: readonly PartitionRange[], wanted: number): PartitionRange[][] {
  const groups = Array.from({ length: Math.min(wanted, Math.max(1, ranges.length)) }, () => ({
    offsets: 0,
    ranges: [] as PartitionRange[],
  }));
  const length = ({ startOffset, endOffset }: PartitionRange): number => endOffset - startOffset;
  for (const range of [...ranges].sort((a, b) => length(b) - length(a) || a.partition - b.partition)) {
    const least = groups.reduce((best, group) => (group.offsets < best.offsets ? group : best));
    least.ranges.push(range);
    least.offsets += length(range);
  }
  return groups.map((group) => group.ranges.sort((a, b) => a.partition - b.partition));
}
