import {
  differingKeys,
  nextSteps,
  sameDigest,
  type ComparedChunk,
  type KeyRange,
  type Sizes,
} from '../../core/content.js';
import type { ContentStore } from './store.js';

export interface Comparing {
  /** The range of keys to compare. */
  readonly whole: KeyRange;
  /** Rows of a chunk of the first pass. */
  readonly chunkRows: number;
  readonly sizes: Sizes;
  /** Keys that are kept; when more differ the rest is not looked at. */
  readonly maxSuspects: number;
  readonly signal: AbortSignal;
  readonly progress: (step: string) => void;
}

/** What a first comparison has found. */
export interface Suspects {
  readonly keys: string[];
  /** More keys differ than are kept. */
  readonly cutShort: boolean;
  /** Rows of the source. */
  readonly rows: number;
  readonly chunks: number;
  /** Chunks of the first pass that differed. */
  readonly differingChunks: number;
  /** Rows of the source that silver can hold none of: events without a usable time. */
  readonly unplaced: number;
}

/** Ranges in one listing statement: few round trips, and a text that no server refuses. */
const RANGES_A_LIST = 200;

/** Compares two stores, and names the keys whose rows differ at this moment. */
export async function findSuspects(
  source: ContentStore,
  silver: ContentStore,
  { whole, chunkRows, sizes, maxSuspects, signal, progress }: Comparing,
): Promise<Suspects> {
  const compare = async (
    by: 'source' | 'silver',
    range: KeyRange,
    rows: number,
  ): Promise<ComparedChunk[]> => {
    signal.throwIfAborted();
    const [cutter, other] = by === 'source' ? [source, silver] : [silver, source];
    const chunks = await cutter.cut(range, rows);
    const others = await other.digests(chunks.map((chunk) => chunk.range));
    return chunks.map(({ range, digest }, i) => {
      const [mine, theirs] = [digest, others[i]!];
      return {
        range,
        ...(by === 'source' ? { source: mine, silver: theirs } : { silver: mine, source: theirs }),
      };
    });
  };
  progress('digesting every row on both sides');
  const first = await compare('source', whole, chunkRows);
  const steps = nextSteps(first, sizes);
  const ranges = [...steps.list];
  const differingChunks = first.filter((chunk) => !sameDigest(chunk.source, chunk.silver)).length;
  for (let { split } = steps; split.length > 0;) {
    progress(`cutting ${split.length} differing chunks finer`);
    const finer: ComparedChunk[] = [];
    for (const { range, by, rowsPerPart } of split) finer.push(...(await compare(by, range, rowsPerPart)));
    const next = nextSteps(finer, sizes);
    ranges.push(...next.list);
    ({ split } = next);
  }
  const keys: string[] = [];
  let at = 0;
  for (; at < ranges.length && keys.length <= maxSuspects; at += RANGES_A_LIST) {
    signal.throwIfAborted();
    progress(`listing differing ranges, ${at} of ${ranges.length}`);
    const part = ranges.slice(at, at + RANGES_A_LIST);
    const listed = await silver.list(part);
    keys.push(...differingKeys(await source.list(part), listed));
  }
  const cutShort = keys.length > maxSuspects || at < ranges.length;
  const rows = first.reduce((sum, chunk) => sum + chunk.source.rows, 0);
  return {
    keys: keys.slice(0, maxSuspects),
    cutShort,
    rows,
    chunks: first.length,
    differingChunks,
    unplaced: 0,
  };
}
