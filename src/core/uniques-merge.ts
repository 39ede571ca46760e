import { UniqueSketch } from './hyperloglog.js';
import { addFrames, setFrames, totalFrames, type CountedAgain, type MergedWindow } from './merged-window.js';
import type { StoredTime } from './uniques-held.js';
import { statusDue, type ResultStatus } from './result-status.js';
import { toResult, type UniqueUsersResult } from './uniques-result.js';
import type { CountRules } from './count-rules.js';
import { AGAIN_PREFIX, PARTITION_PREFIX, WINDOW_PREFIX } from './uniques-stored.js';
import {
  decodeCounts,
  encodeCounts,
  jsonRecord,
  readJson,
  type FieldCount,
  type StateRecord,
} from './uniques-state.js';
import { sumTallies, type FrameTally } from './uniques-tally.js';
import { believedClock, mergedTimeS } from './watermark.js';
import { parseWindowKey, WINDOW_KINDS, windowKey, type Window } from './window.js';

interface StoredResult {
  readonly frames: Record<string, readonly number[]>;
  readonly again?: Record<string, CountedAgain>;
  readonly isFinal: boolean;
  readonly revision: number;
  readonly hasChanged: boolean;
}

const RESULT_PREFIX = 'result/';
const CLOCK_PREFIX = 'clock/';
const CLOSED_KEY = 'closed';

/**
 * Second stage of counting: unites the window states of all slices and alone decides when a result is given. `final`
 * when the merged watermark has passed a window's end; later changes are revisions, until even the latest frame
 * allowed cannot come any more and the window leaves memory. No clock and no I/O.
 */
export class UniquesMerge {
  readonly #rules: CountRules;
  readonly #windows = new Map<string, MergedWindow>();
  /** Newest state of every partition's time; undefined before the first report. */
  readonly #clocks = new Map<number, StoredTime | undefined>();
  /** Which slice told it, since this stage began. */
  readonly #tellers = new Map<number, string>();
  readonly #dirtyClocks = new Set<number>();
  /** Windows that the state holds, and those of them that have left memory since the last snapshot. */
  readonly #stored = new Set<string>();
  readonly #gone: string[] = [];
  #closedMs = Number.NEGATIVE_INFINITY;
  #hasClosed = false;
  /** Reports of windows that had left memory: their slice was idle while the others went on. */
  #afterClose = 0;

  /** `partitions`: all that are counted, by any slice, so that none is overlooked before its slice first reports. */
  constructor(partitions: readonly number[], rules: CountRules) {
    this.#rules = rules;
    for (const id of partitions) this.#clocks.set(id, undefined);
  }

  get afterClose(): number {
    return this.#afterClose;
  }

  get openWindows(): number {
    return this.#windows.size;
  }

  get tally(): FrameTally {
    return sumTallies([...this.#clocks.values()].flatMap((clock) => clock?.tally ?? []));
  }

  /** Takes in records of a slice's snapshots, in their order. */
  apply(slice: string, records: Iterable<StateRecord>): void {
    for (const { key, value } of records) {
      // A null only says that the slice is done with a window; what it reported stays.
      if (value === null) continue;
      if (key.startsWith(WINDOW_PREFIX)) {
        this.#report(key.slice(WINDOW_PREFIX.length), () => decodeCounts(value), setFrames(slice));
      } else if (key.startsWith(AGAIN_PREFIX)) {
        const [, number, window] = /^(\d+)\/(.*)$/.exec(key.slice(AGAIN_PREFIX.length))!;
        this.#report(window!, () => decodeCounts(value), addFrames(slice, Number(number)));
      } else if (key.startsWith(PARTITION_PREFIX)) {
        const id = Number(/\d+/.exec(key.slice(PARTITION_PREFIX.length))![0]);
        this.#clocks.set(id, readJson<StoredTime>(value));
        this.#tellers.set(id, slice);
        this.#dirtyClocks.add(id);
      }
    }
  }

  /** Takes in the counts themselves of the only slice, in the same process (`UniquesSlice.share`). */
  applyShared(slice: string, window: Window, counts: readonly FieldCount[]): void {
    this.#report(windowKey(window), () => counts, setFrames(slice));
  }

  /**
   * The results due: finals as soon as the watermark allows; changes of windows not final yet (`provisional`) and of
   * final ones (`revised`) when `withChanges`, or when the window leaves memory. In order of start, shorter windows first.
   * `visit` sees the sketch behind each, valid until it returns. `behind`: slices that have told more than was read of them;
   * an idle partition of theirs may be idle no more.
   */
  results(
    nowMs: number,
    withChanges: boolean,
    visit?: (result: UniqueUsersResult, sketch: UniqueSketch) => void,
    behind: ReadonlySet<string> = new Set(),
  ): UniqueUsersResult[] {
    const clocks = [...this.#clocks].map(([id, clock]) =>
      believedClock(clock, this.#tellers.get(id), behind),
    );
    const timeS = mergedTimeS(clocks) ?? Number.NEGATIVE_INFINITY;
    const watermarkMs = (timeS - this.#rules.time.orderS) * 1000;
    const closedMs = Math.max(this.#closedMs, (timeS - this.#rules.time.latenessS) * 1000);
    // Infinity, once all have ended, is not a time to keep.
    if (Number.isFinite(closedMs) && closedMs > this.#closedMs) {
      this.#closedMs = closedMs;
      this.#hasClosed = true;
    }
    const due: [MergedWindow, ResultStatus][] = [];
    for (const [key, merged] of this.#windows) {
      const isClosing = merged.window.endMs <= closedMs;
      const status = statusDue(merged, merged.window.endMs, watermarkMs, withChanges || isClosing);
      if (status !== undefined) due.push([merged, status]);
      if (isClosing) {
        this.#windows.delete(key);
        if (this.#stored.delete(key)) this.#gone.push(key);
      }
    }
    due.sort(([a], [b]) => byStart(a.window, b.window));
    return due.flatMap(([merged, status]) => {
      const results = this.#emit(merged, status, nowMs);
      if (visit !== undefined) results.forEach((result, field) => visit(result, merged.sketches[field]!));
      return results;
    });
  }

  /** What changed since the last snapshot; take it after `results`, in the transaction that writes these. */
  snapshot(): StateRecord[] {
    const records: StateRecord[] = [];
    for (const key of this.#gone.splice(0)) {
      records.push({ key: WINDOW_PREFIX + key, value: null }, { key: RESULT_PREFIX + key, value: null });
    }
    for (const [key, merged] of this.#windows) {
      if (!merged.isDirty) continue;
      merged.isDirty = false;
      this.#stored.add(key);
      const { frames, again, sketches, isFinal, revision, hasChanged } = merged;
      records.push({
        key: WINDOW_PREFIX + key,
        value: encodeCounts(
          sketches.map((sketch, field) => ({ frames: totalFrames(merged, field), sketch })),
        ),
      });
      const stored: StoredResult = {
        frames: Object.fromEntries(frames),
        ...(again !== undefined && { again: Object.fromEntries(again) }),
        isFinal,
        revision,
        hasChanged,
      };
      records.push(jsonRecord(RESULT_PREFIX + key, stored));
    }
    for (const clock of this.#dirtyClocks)
      records.push(jsonRecord(CLOCK_PREFIX + clock, this.#clocks.get(clock)!));
    this.#dirtyClocks.clear();
    if (this.#hasClosed) {
      records.push(jsonRecord(CLOSED_KEY, { closedMs: this.#closedMs, afterClose: this.#afterClose }));
    }
    this.#hasClosed = false;
    return records;
  }

  /** Takes up the state that the newest record of each key holds. @throws PipelineError `BAD_STATE`, `BAD_SKETCH`. */
  restore(records: Iterable<StateRecord>): void {
    for (const { key, value } of records) {
      if (value === null) continue;
      if (key.startsWith(WINDOW_PREFIX)) {
        const window = key.slice(WINDOW_PREFIX.length);
        const merged = this.#open(window);
        this.#stored.add(window);
        decodeCounts(value).forEach(({ sketch }, field) => merged.sketches[field]!.merge(sketch));
      } else if (key.startsWith(RESULT_PREFIX)) {
        const { frames, again, isFinal, revision, hasChanged } = readJson<StoredResult>(value);
        const merged = this.#open(key.slice(RESULT_PREFIX.length));
        for (const [slice, counts] of Object.entries(frames)) merged.frames.set(slice, counts);
        if (again !== undefined) merged.again = new Map(Object.entries(again));
        Object.assign(merged, { isFinal, revision, hasChanged });
      } else if (key.startsWith(CLOCK_PREFIX)) {
        this.#clocks.set(Number(key.slice(CLOCK_PREFIX.length)), readJson<StoredTime>(value));
      } else if (key === CLOSED_KEY) {
        const { closedMs, afterClose } = readJson<{ closedMs: number | null; afterClose: number }>(value);
        this.#closedMs = closedMs ?? Number.NEGATIVE_INFINITY;
        this.#afterClose = afterClose;
      }
    }
  }

  /** `take` notes the frames of a report in the window, and tells whether they say anything new. */
  #report(
    key: string,
    read: () => readonly FieldCount[],
    take: (merged: MergedWindow, frames: readonly number[]) => boolean,
  ): void {
    if (!this.#windows.has(key) && parseWindowKey(key).endMs <= this.#closedMs) {
      this.#afterClose += 1;
      this.#hasClosed = true;
      return;
    }
    const counts = read();
    const known = this.#windows.get(key);
    const merged =
      known ??
      this.#open(
        key,
        counts.map(({ sketch }) => sketch),
      );
    if (known !== undefined) {
      counts.forEach(({ sketch }, field) => {
        const united = merged.sketches[field]!;
        // A shared sketch has grown by itself.
        if (united !== sketch) united.merge(sketch);
      });
    }
    const frames = counts.map((count) => count.frames);
    // A slice that restarts reports again what it reported before: no reason to write a result again.
    if (!take(merged, frames)) return;
    merged.hasChanged = true;
    merged.isDirty = true;
  }

  #open(key: string, sketches?: UniqueSketch[]): MergedWindow {
    let merged = this.#windows.get(key);
    if (merged === undefined) {
      merged = {
        window: parseWindowKey(key),
        frames: new Map(),
        sketches: sketches ?? this.#rules.format.idFields.map(() => new UniqueSketch(this.#rules.precision)),
        isFinal: false,
        revision: 0,
        hasChanged: false,
        isDirty: false,
      };
      this.#windows.set(windowKey(merged.window), merged);
    }
    return merged;
  }

  #emit(merged: MergedWindow, status: ResultStatus, nowMs: number): UniqueUsersResult[] {
    if (status === 'revised') merged.revision += 1;
    if (status === 'final') merged.isFinal = true;
    merged.hasChanged = false;
    merged.isDirty = true;
    const fields = this.#rules.format.idFields;
    return fields.map((field, i) =>
      toResult({
        window: merged.window,
        field: fields.length > 1 ? field : undefined,
        sketch: merged.sketches[i]!,
        frames: totalFrames(merged, i),
        status,
        revision: merged.revision,
        nowMs,
      }),
    );
  }
}

const byStart = (a: Window, b: Window): number =>
  a.startMs - b.startMs || WINDOW_KINDS.indexOf(a.kind) - WINDOW_KINDS.indexOf(b.kind);
