import { encodeHeld, type HeldBytes } from './uniques-held.js';
import type { StateRecord } from './uniques-state.js';
import { emptyTally, type FrameTally } from './uniques-tally.js';
import type { HeldFrame, PartitionTime } from './watermark-partition.js';

/** Then the partition and the offset of a frame that waits for confirmation. */
export const HELD_PREFIX = 'held/';

/** What a slice knows of one of its partitions. */
export interface PartitionState {
  readonly id: number;
  readonly time: PartitionTime<HeldBytes>;
  readonly tally: FrameTally;
  isDirty: boolean;
  /** Offsets of the held frames whose records the state holds. */
  heldRecords: ReadonlySet<number>;
}

export const newPartition = (
  id: number,
  time: PartitionTime<HeldBytes>,
  tally: FrameTally = emptyTally(),
  heldRecords: ReadonlySet<number> = new Set(),
): PartitionState => ({ id, time, tally, isDirty: false, heldRecords });

export const offsetsOf = (held: readonly HeldFrame<HeldBytes>[]): Set<number> =>
  new Set(held.map(({ frame }) => frame.offset));

/** Records of the held frames that have none yet, and nulls for those that are held no longer. */
export function changedHeld(state: PartitionState): StateRecord[] {
  const { held } = state.time.state;
  const before = state.heldRecords;
  const now = offsetsOf(held);
  state.heldRecords = now;
  const key = (offset: number): string => `${HELD_PREFIX}${state.id}/${offset}`;
  return [
    ...held
      .filter(({ frame }) => !before.has(frame.offset))
      .map((one) => ({ key: key(one.frame.offset), value: encodeHeld(one) })),
    ...[...before].filter((offset) => !now.has(offset)).map((offset) => ({ key: key(offset), value: null })),
  ];
}
