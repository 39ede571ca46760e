import type { OffsetRange, ReplayPlan } from '../../messages.js';
import type { ReadRange } from '../read-positions.js';

export const readRange = ({ partition, startOffset, endOffset }: OffsetRange): Required<ReadRange> => ({
  partition,
  startOffset: Number(startOffset),
  endOffset: Number(endOffset),
});

/** Everything a plan reads. */
export const plannedRanges = ({ slices }: ReplayPlan): Required<ReadRange>[] =>
  slices.flatMap(({ ranges }) => ranges.map(readRange));
