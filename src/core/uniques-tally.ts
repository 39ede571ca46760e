import type { FrameFault } from './frame-scanner.js';

/** Why a frame went to quarantine. */
export type RejectReason = FrameFault | 'too-late' | 'unconfirmed' | 'impossible';

/** How many frames of a partition ended how. `read` is the sum of the others and of those still held. */
export type FrameTally = Record<'read' | 'accept' | 'late' | RejectReason, number>;

export const emptyTally = (): FrameTally => ({
  read: 0,
  accept: 0,
  late: 0,
  malformed: 0,
  'no-ts': 0,
  'no-id': 0,
  'too-late': 0,
  unconfirmed: 0,
  impossible: 0,
});

export function sumTallies(tallies: Iterable<FrameTally>): FrameTally {
  const total = emptyTally();
  for (const tally of tallies) {
    for (const outcome of Object.keys(total) as (keyof FrameTally)[]) total[outcome] += tally[outcome];
  }
  return total;
}
