/**
 * Comparing two stores by content, whatever their engines: each digests the rows of a range of keys by itself, and ranges
 * whose digests differ are cut finer until they are small enough to be listed. Pure decisions; the stores are asked by
 * activities/content.
 */

/** Keys of `[from, to)`; keys are 64-bit numbers, signed or not. */
export interface KeyRange {
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * The rows of a range: how many, and the sum (mod 2^64) of each half of the MD5 of every row's canonical text. A sum does
 * not depend on an order, and takes two equal rows for two, which an exclusive or would not.
 */
export interface Digest {
  readonly rows: number;
  /** Two numbers of 16 hexadecimal digits. */
  readonly sums: string;
}

export interface Chunk {
  readonly range: KeyRange;
  readonly digest: Digest;
}

export interface ComparedChunk {
  readonly range: KeyRange;
  readonly source: Digest;
  readonly silver: Digest;
}

/** Sums as an engine prints them: decimal, signed or not, reduced mod 2^64 or not. */
export const digestOf = (rows: number, high: string | bigint, low: string | bigint): Digest => ({
  rows,
  sums: [high, low].map((sum) => BigInt.asUintN(64, BigInt(sum)).toString(16).padStart(16, '0')).join(''),
});

export const NO_ROWS: Digest = digestOf(0, 0n, 0n);

export const sameDigest = (one: Digest, other: Digest): boolean =>
  one.rows === other.rows && one.sums === other.sums;

/** A store's rows of a part of a range, which begins with the part's first key. */
export interface Cut {
  readonly firstKey: bigint;
  readonly digest: Digest;
}

/** The parts a store has cut a range into, as ranges that leave no gap: keys that only the other store has fall into one. */
export function chunksOf(whole: KeyRange, cuts: readonly Cut[]): Chunk[] {
  if (cuts.length === 0) return [{ range: whole, digest: NO_ROWS }];
  return cuts.map(({ firstKey, digest }, i) => ({
    range: { from: i === 0 ? whole.from : firstKey, to: cuts[i + 1]?.firstKey ?? whole.to },
    digest,
  }));
}

/** Contiguous ranges over the unsigned 64-bit numbers, for keys that are spread evenly over them. */
export function evenRanges(parts: number): KeyRange[] {
  const width = (1n << 64n) / BigInt(parts);
  return Array.from({ length: parts }, (_, i) => ({
    from: width * BigInt(i),
    to: i === parts - 1 ? 1n << 64n : width * BigInt(i + 1),
  }));
}

export interface Sizes {
  /** Ranges with no more rows than this, in either store, are listed. */
  readonly listRows: number;
  /** Into how many parts a larger one is cut; at least 2. */
  readonly parts: number;
}

/** A range to be cut again, by the store that has more rows in it. */
export interface Split {
  readonly range: KeyRange;
  readonly by: 'source' | 'silver';
  readonly rowsPerPart: number;
}

/**
 * What to do next with compared ranges; equal ones need nothing more. Whoever cuts holds more than `listRows` rows, so each
 * split leaves every part with fewer rows of it: the splitting ends.
 */
export function nextSteps(
  compared: readonly ComparedChunk[],
  { listRows, parts }: Sizes,
): { readonly split: Split[]; readonly list: KeyRange[] } {
  const split: Split[] = [];
  const list: KeyRange[] = [];
  for (const { range, source, silver } of compared) {
    if (sameDigest(source, silver)) continue;
    const rows = Math.max(source.rows, silver.rows);
    if (rows <= Math.max(listRows, 1)) list.push(range);
    else {
      const by = source.rows >= silver.rows ? 'source' : 'silver';
      split.push({ range, by, rowsPerPart: Math.ceil(rows / Math.max(parts, 2)) });
    }
  }
  return { split, list: joined(list) };
}

/** Ascending ranges, neighbours made one. */
export function joined(ranges: readonly KeyRange[]): KeyRange[] {
  const result: KeyRange[] = [];
  for (const range of [...ranges].sort((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = result.at(-1);
    if (last?.to === range.from) result[result.length - 1] = { from: last.from, to: range.to };
    else result.push(range);
  }
  return result;
}

/** Whether a key lies in one of ascending ranges that do not overlap. */
export function contains(ranges: readonly KeyRange[], key: bigint): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range !== undefined && key >= range.to) low = middle + 1;
    else high = middle;
  }
  const found = ranges[low];
  return found !== undefined && key >= found.from;
}

/** Keys whose content differs between two lists of key to content. */
export function differingKeys(
  source: ReadonlyMap<string, string>,
  silver: ReadonlyMap<string, string>,
): string[] {
  const keys: string[] = [];
  for (const [key, content] of source) if (silver.get(key) !== content) keys.push(key);
  for (const key of silver.keys()) if (!source.has(key)) keys.push(key);
  return keys;
}
