/**
 * When a difference counts. Silver follows the source, so a row that was just changed differs for a moment. Every suspected
 * key is looked at in silver first, then at the source; then a source position is taken, and awaited in silver. A row of
 * silver that is right but behind was superseded before the source was looked at, hence before the position, and silver has
 * another version by now. So a row that still has the version it had, and still differs, is wrong, however busy its key
 * is; one that moved is looked at once more.
 */

/** What both stores say of one key. */
export interface Observation {
  readonly key: string;
  /** Of the row in silver, deleted or not, with its version: another one after every change. `-`: there is no row. */
  readonly token: string;
  /** Digest of the live row; null: there is none. */
  readonly silver: string | null;
  readonly source: string | null;
}

export type DifferenceKind = 'missing' | 'extra' | 'different';

export interface Difference {
  readonly key: string;
  readonly kind: DifferenceKind;
}

export const kindOf = ({ silver, source }: Observation): DifferenceKind | 'equal' => {
  if (silver === source) return 'equal';
  if (silver === null) return 'missing';
  return source === null ? 'extra' : 'different';
};

/** Splits what differs after a position was passed by what was seen before it. */
export function settle(
  before: ReadonlyMap<string, Observation>,
  after: readonly Observation[],
): { readonly wrong: Difference[]; readonly moving: Observation[] } {
  const wrong: Difference[] = [];
  const moving: Observation[] = [];
  for (const seen of after) {
    const kind = kindOf(seen);
    if (kind === 'equal') continue;
    if (before.get(seen.key)?.token === seen.token) wrong.push({ key: seen.key, kind });
    else moving.push(seen);
  }
  return { wrong, moving };
}

export interface DifferenceCounts {
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
}

export function countKinds(differences: readonly Difference[]): DifferenceCounts {
  const counts = { missing: 0, extra: 0, different: 0 };
  for (const { kind } of differences) counts[kind] += 1;
  return counts;
}
