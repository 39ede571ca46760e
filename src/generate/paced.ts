/** Where time comes from, and who waits. */
export interface Pacer {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly wait: (ms: number) => Promise<unknown>;
}

/** A rate is kept piece by piece: at so many a second it looks like a trickle. */
const PIECES_PER_SECOND = 10;

/** Frames of a piece at most, so that nobody waits long between two; for a rate of none as many as fit. */
export const framesAtOnce = (rate: number | undefined): number =>
  rate === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(rate / PIECES_PER_SECOND));

/** Hands on pieces, each once all frames before it are due at `rate` a second; without a rate as fast as they are taken. */
export async function* paced<Piece extends { readonly frames: number }>(
  pieces: Iterable<Piece>,
  rate: number | undefined,
  { nowMs, wait }: Pacer,
): AsyncGenerator<Piece> {
  const startedMs = nowMs();
  let frames = 0;
  for (const piece of pieces) {
    yield piece;
    frames += piece.frames;
    const aheadMs = rate === undefined ? 0 : startedMs + (1_000 * frames) / rate - nowMs();
    if (aheadMs > 0) await wait(aheadMs);
  }
}
