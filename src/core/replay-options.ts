import { PipelineError } from './errors.js';
import { timeOf, type Selection } from './filter.js';
import type { AskedPartition } from './replay-plan.js';

/** How a replay is said on a command line; every function throws PipelineError `BAD_OPTION`, which quotes the text. */

export interface SelectionText {
  readonly from?: string;
  readonly to?: string;
  readonly timeOfDay?: string;
  readonly timeField?: string;
  readonly filter?: string;
}

/** Beyond any record's time (the year 9999), for a window that has one side only. */
const FIRST_MS = 0;
const LAST_MS = 253_402_300_800_000;

export function selectionOf({ from, to, timeOfDay, timeField, filter }: SelectionText): Selection {
  const hasWindow = from !== undefined || to !== undefined;
  const window = {
    fromMs: from === undefined ? FIRST_MS : instant(from),
    toMs: to === undefined ? LAST_MS : instant(to),
  };
  return {
    ...(hasWindow && { window }),
    ...(timeOfDay !== undefined && { timeOfDay: timesOfDay(timeOfDay) }),
    ...(timeField !== undefined && { timeField }),
    ...(filter !== undefined && { filter }),
  };
}

/** `2026-11-20T11:00:00Z`, `2026-11-20` (UTC midnight), seconds or milliseconds since the epoch. */
export function instant(text: string): number {
  return timeOf(text) ?? bad(text, 'an instant like 2026-11-20T11:00:00Z');
}

/** `11:00-13:00`, UTC; `22:00-02:00` spans midnight. */
export function timesOfDay(text: string): { fromMs: number; toMs: number } {
  const parts = /^(\d{2}):(\d{2})(?::(\d{2}))?-(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (parts === null) return bad(text, 'a time of day like 11:00-13:00');
  const [fromHour, fromMinute, fromSecond, toHour, toMinute, toSecond] = parts
    .slice(1)
    .map((part: string | undefined) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const ms = (hour: number, minute: number, second: number): number =>
    ((hour * 60 + minute) * 60 + second) * 1_000;
  return { fromMs: ms(fromHour, fromMinute, fromSecond), toMs: ms(toHour, toMinute, toSecond) };
}

/** `0,2,5` for partitions, `0:100-200,1:50-,2:-70` for offsets in them: half-open, an absent side is the log's own. */
export function rangesOf(text: string): AskedPartition[] {
  return text.split(',').map((part) => {
    const found = /^(\d+)(?::(\d*)-(\d*))?$/.exec(part.trim());
    if (found === null) return bad(text, 'partitions like 0,2 or offsets like 0:100-200,1:50-');
    const [, partition, startOffset, endOffset] = found;
    return {
      partition: Number(partition),
      ...(startOffset && { startOffset }),
      ...(endOffset && { endOffset }),
    };
  });
}

function bad(text: string, expected: string): never {
  throw new PipelineError('BAD_OPTION', `reading "${text}": expected ${expected}`);
}
