import { PipelineError } from '../errors.js';

/** What is looked at: `[fromMs, toMs)`, whole seconds, epoch ms. */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

const HOUR_MS = 3_600_000;
/** Ranges that end now, by name. */
export const LAST: ReadonlyMap<string, number> = new Map([
  ['1h', HOUR_MS],
  ['6h', 6 * HOUR_MS],
  ['24h', 24 * HOUR_MS],
  ['7d', 7 * 24 * HOUR_MS],
]);
export const DEFAULT_LAST = '6h';
/** More, and a chart of minutes is no chart any more. */
const LONGEST_MS = 31 * 24 * HOUR_MS;

export interface RangeQuery {
  readonly last?: string | undefined;
  /** ISO 8601 with a zone. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * `last=6h`, or `from` and `to`; six hours when nothing is said.
 * @throws PipelineError `BAD_QUERY`.
 */
export function rangeOf({ last, from, to }: RangeQuery, nowMs: number): Range {
  if (from === undefined && to === undefined) {
    const lengthMs = LAST.get(last ?? DEFAULT_LAST);
    if (lengthMs === undefined) throw bad(`last=${[...LAST.keys()].join(', ')}`);
    // The current second as well: its minute has begun.
    const toMs = Math.floor(nowMs / 1_000) * 1_000 + 1_000;
    return { fromMs: toMs - lengthMs, toMs };
  }
  const [fromMs, toMs] = [instantOf(from), instantOf(to)];
  if (last !== undefined || !(fromMs < toMs) || toMs - fromMs > LONGEST_MS) {
    throw bad('from and to, ISO 8601 with a zone, at most 31 days apart, or last');
  }
  return { fromMs, toMs };
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** NaN for what is none, or lies outside of what ClickHouse's DateTime holds. */
function instantOf(text: string | undefined): number {
  if (text === undefined || !INSTANT.test(text)) return NaN;
  const seconds = Math.floor(Date.parse(text) / 1_000);
  return seconds >= 0 && seconds < 2 ** 32 ? 1_000 * seconds : NaN;
}

const bad = (what: string): PipelineError =>
  new PipelineError('BAD_QUERY', `choosing the range of a dashboard: there are ${what}`);
