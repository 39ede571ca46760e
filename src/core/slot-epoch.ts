import { PipelineError } from './errors.js';

/** What is known of the replication slot and of what was versioned under it. LSNs and versions as bigints. */
export interface SlotState {
  readonly slotExists: boolean;
  /** Whether Connect remembers a source offset for the connector. */
  readonly offsetKnown: boolean;
  /** The epoch recorded beside the slot; undefined before the first. */
  readonly recordedEpoch: number | undefined;
  /** The highest user version in silver (epoch 32 bits, streaming 32 bits, LSN 64 bits); 0n when silver is empty. */
  readonly highestVersion: bigint;
  /** The source's current write-ahead-log position. */
  readonly currentLsn: bigint;
}

export type SlotPlan =
  /** Slot and offsets are there: go on under the same epoch. */
  | { readonly kind: 'continue'; readonly epoch: number }
  /** A new slot and a new snapshot under a higher epoch; `cut`: afterwards, what the snapshot did not show is deleted. */
  | { readonly kind: 'snapshot'; readonly epoch: number; readonly cut: boolean };

const EPOCH_SHIFT = 96n;
const LSN_MASK = (1n << 64n) - 1n;

/** The lowest version of an epoch: every version of an earlier epoch ranks below it. */
export const epochStart = (epoch: number): bigint => BigInt(epoch) << EPOCH_SHIFT;

/**
 * Decides how the users connector starts. A slot without offsets, or offsets without a slot, has lost its place: both
 * begin anew, because a snapshot under the old epoch would rank below changes that were streamed before it.
 * @throws PipelineError `VERSIONS_WOULD_REGRESS` when changes to come would rank below what silver already holds.
 */
export function planSlot(state: SlotState): SlotPlan {
  const storedEpoch = Number(state.highestVersion >> EPOCH_SHIFT);
  const recorded = state.recordedEpoch ?? 0;
  if (!state.slotExists || !state.offsetKnown || recorded === 0) {
    const epoch = Math.max(recorded, storedEpoch) + 1;
    return { kind: 'snapshot', epoch, cut: epoch > 1 };
  }
  if (
    storedEpoch > recorded ||
    (storedEpoch === recorded && (state.highestVersion & LSN_MASK) > state.currentLsn)
  ) {
    throw new PipelineError(
      'VERSIONS_WOULD_REGRESS',
      `starting the users connector: silver holds epoch ${storedEpoch}, the source is at epoch ${recorded} and behind it; ` +
        'drop the replication slot so that a new epoch begins',
      { at: { service: 'postgres' } },
    );
  }
  return { kind: 'continue', epoch: recorded };
}
