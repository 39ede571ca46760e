import type { SourceBatch, SourcePosition } from '../processor.js';

/** When a merge stage has results to write: what is final whenever something was read, the rest every so often. */
export class ResultsPace {
  readonly #provisionalMs: number;
  #hasNews = true;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** @param provisionalMs milliseconds between results that are not final yet; 0 for none before the end. */
  constructor(provisionalMs: number) {
    this.#provisionalMs = provisionalMs;
  }

  /** Notes how many records a batch has brought. */
  heard(records: number): void {
    this.#hasNews ||= records > 0;
  }

  /**
   * What to write at this moment: `final` results, or `all`, also those not final yet; undefined when there is no reason to.
   * `isBehind`: what is held back for a slice that is behind is due once that is read, also where it brings no record.
   */
  due(nowMs: number, isBehind: boolean): 'final' | 'all' | undefined {
    const isProvisionalDue = this.#provisionalMs > 0 && nowMs - this.#toldMs >= this.#provisionalMs;
    if (isProvisionalDue) this.#toldMs = nowMs;
    if (!this.#hasNews && !isProvisionalDue) return undefined;
    this.#hasNews = isBehind;
    return isProvisionalDue ? 'all' : 'final';
  }
}

/** Shows every record that a slice has told under a key. @returns how many records the batch has, with a key or not. */
export function eachTold(
  { batch, startOffset, endOffset }: SourceBatch,
  take: (key: string, value: Buffer | null) => void,
): number {
  const cursor = batch.records(startOffset, endOffset);
  let records = 0;
  while (cursor.next()) {
    records++;
    const key = cursor.key();
    if (key !== null) take(key.toString(), cursor.value());
  }
  return records;
}

/** The slices that have told more than was read of them, or may have: their partition's end is not known yet. */
export function slicesBehind(positions: ReadonlyMap<number, SourcePosition>): Set<string> {
  const behind = [...positions].filter(
    ([, { nextOffset, lastStableOffset }]) => lastStableOffset < 0 || nextOffset < lastStableOffset,
  );
  return new Set(behind.map(([slice]) => String(slice)));
}
