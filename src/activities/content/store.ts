import type { Chunk, Digest, KeyRange } from '../../core/content.js';

/** One side of a comparison by content: rows by 64-bit keys, digested where they lie. */
export interface ContentStore {
  /** Cuts a range into parts of so many rows of this store (the last may have fewer), without gaps. */
  cut(range: KeyRange, rowsPerPart: number): Promise<Chunk[]>;
  /** Digests of ranges, in their order; they are ascending and leave no gap. */
  digests(ranges: readonly KeyRange[]): Promise<Digest[]>;
  /** Key and content digest of every row of the ranges. */
  list(ranges: readonly KeyRange[]): Promise<Map<string, string>>;
}
