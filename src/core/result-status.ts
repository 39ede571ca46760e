/** `provisional`: more is expected; `final`: the watermark has passed the end; `revised`: late ones changed a final result. */
export type ResultStatus = 'provisional' | 'final' | 'revised';

export interface Given {
  readonly isFinal: boolean;
  /** Since the last result. */
  readonly hasChanged: boolean;
}

/** The row of the table "when results are given" (docs/unique-users.md) that applies to a window that ends at `endMs`. */
export function statusDue(
  { isFinal, hasChanged }: Given,
  endMs: number,
  watermarkMs: number,
  withChanges: boolean,
): ResultStatus | undefined {
  if (!isFinal && endMs <= watermarkMs) return 'final';
  if (!hasChanged || !withChanges) return undefined;
  return isFinal ? 'revised' : 'provisional';
}
