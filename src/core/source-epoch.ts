import { PipelineError } from './errors.js';

/** What is known of a source's place in its stream and of what was versioned there. Versions as bigints. */
export interface SourceState {
  /** PostgreSQL's replication slot; true for a source that has none. */
  readonly slotExists: boolean;
  /** Whether Connect remembers a source offset for the connector. */
  readonly offsetKnown: boolean;
  /** The epoch recorded for the source; undefined before the first. */
  readonly recordedEpoch: number | undefined;
  /** The highest version in silver; 0n when it is empty. */
  readonly highestVersion: bigint;
  /** The highest version that a change made now could get; undefined where the source does not tell. */
  readonly currentVersion: ((epoch: number) => bigint) | undefined;
}

export type EpochPlan =
  /** The stream's place is known: go on under the same epoch. */
  | { readonly kind: 'continue'; readonly epoch: number }
  /** A new snapshot under a higher epoch; `cut`: afterwards, what the snapshot did not show is deleted. */
  | { readonly kind: 'snapshot'; readonly epoch: number; readonly cut: boolean };

/** How a source packs its versions (sql/clickhouse): where the epoch begins, and the version of a streamed position. */
export interface VersionLayout {
  readonly epochShift: bigint;
  readonly streamed: (epoch: number, position: bigint) => bigint;
}

export const USERS_LAYOUT: VersionLayout = {
  epochShift: 96n,
  streamed: (epoch, lsn) => (BigInt(epoch) << 96n) + (1n << 64n) + lsn,
};
export const EVENTS_LAYOUT: VersionLayout = {
  epochShift: 113n,
  streamed: (epoch, clusterTime) => (BigInt(epoch) << 113n) + (1n << 112n) + (clusterTime << 48n),
};

/** The lowest version of an epoch: every version of an earlier epoch ranks below it. */
export const epochStart = (layout: VersionLayout, epoch: number): bigint =>
  BigInt(epoch) << layout.epochShift;

/**
 * Decides how a connector starts. A slot without offsets, or offsets without a slot, has lost its place: both begin
 * anew, because a snapshot under the old epoch would rank below changes that were streamed before it.
 * @throws PipelineError `VERSIONS_WOULD_REGRESS` when changes to come would rank below what silver already holds.
 */
export function planEpoch(layout: VersionLayout, state: SourceState): EpochPlan {
  const storedEpoch = Number(state.highestVersion >> layout.epochShift);
  const recorded = state.recordedEpoch ?? 0;
  if (!state.slotExists || !state.offsetKnown || recorded === 0) {
    const epoch = Math.max(recorded, storedEpoch) + 1;
    return { kind: 'snapshot', epoch, cut: epoch > 1 };
  }
  const current = state.currentVersion?.(recorded) ?? epochStart(layout, recorded + 1);
  if (state.highestVersion > current) {
    throw new PipelineError(
      'VERSIONS_WOULD_REGRESS',
      `starting a connector: silver holds epoch ${storedEpoch}, the source is at epoch ${recorded} and behind it; ` +
        'drop the replication slot so that a new epoch begins',
    );
  }
  return { kind: 'continue', epoch: recorded };
}
