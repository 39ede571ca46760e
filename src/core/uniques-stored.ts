import { decodeHeld, type HeldBytes, type StoredTime } from './uniques-held.js';
import { HELD_PREFIX } from './uniques-partition.js';
import { decodeCounts, readJson, type FieldCount, type StateRecord } from './uniques-state.js';
import type { HeldFrame } from './watermark-partition.js';
import { parseWindowKey, type Window } from './window.js';

export const WINDOW_PREFIX = 'window/';
/** Then a number, and the window: one that had left this slice's memory, and what was counted in it since. */
export const AGAIN_PREFIX = 'again/';
export const PARTITION_PREFIX = 'partition/';
export const CLOSED_KEY = 'closed';

/** Event time, in seconds, of which a log that is compacted keeps a partition's last clock. */
const CLOCK_EVERY_S = 3_600;

/**
 * The key of a clock as the merge stage is told of it, with the hour it shows behind it: of a key that every commit brings,
 * compaction would leave the newest alone, and whoever reads all windows before the first clock has to keep them all.
 */
export const clockKey = (key: string, { timeS }: StoredTime): string =>
  `${key}/${timeS === undefined ? 'start' : Math.floor(timeS / CLOCK_EVERY_S)}`;

/** Up to where windows have left the slice's memory, and the next number of those opened again. */
export interface StoredClosing {
  readonly closedS: number;
  readonly again: number;
}

/** What the state of a slice holds. */
export interface StoredSlice {
  /** By the key of their records. */
  readonly windows: ReadonlyMap<string, readonly [window: Window, counts: FieldCount[]]>;
  /** By partition. */
  readonly clocks: ReadonlyMap<number, StoredTime>;
  /** By partition, in the order of their offsets. */
  readonly held: ReadonlyMap<number, readonly HeldFrame<HeldBytes>[]>;
  readonly closing: StoredClosing | undefined;
}

/** Reads the newest record of each key. @throws PipelineError `BAD_STATE`, `BAD_SKETCH`. */
export function readStored(records: Iterable<StateRecord>): StoredSlice {
  const windows = new Map<string, readonly [Window, FieldCount[]]>();
  const clocks = new Map<number, StoredTime>();
  const held = new Map<number, HeldFrame<HeldBytes>[]>();
  let closing: StoredClosing | undefined;
  for (const { key, value } of records) {
    if (value === null) continue;
    if (key.startsWith(WINDOW_PREFIX)) {
      windows.set(key, [parseWindowKey(key.slice(WINDOW_PREFIX.length)), decodeCounts(value)]);
    } else if (key.startsWith(PARTITION_PREFIX)) {
      clocks.set(Number(key.slice(PARTITION_PREFIX.length)), readJson<StoredTime>(value));
    } else if (key.startsWith(HELD_PREFIX)) {
      const [id, offset] = key.slice(HELD_PREFIX.length).split('/').map(Number) as [number, number];
      const frames = held.get(id) ?? [];
      frames.push(decodeHeld(offset, value));
      held.set(id, frames);
    } else if (key === CLOSED_KEY) closing = readJson<StoredClosing>(value);
  }
  for (const frames of held.values()) frames.sort((a, b) => a.frame.offset - b.frame.offset);
  return { windows, clocks, held, closing };
}
