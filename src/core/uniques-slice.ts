import { FrameReader } from './frame-reader.js';
import { DEFAULT_FRAME_FORMAT, type FrameFault, type FrameFormat } from './frame-scanner.js';
import { DEFAULT_PRECISION } from './hyperloglog.js';
import { OpenWindows } from './open-windows.js';
import type { ScannedFrame, ScannedLines } from './scanned-lines.js';
import { decodeHeld, type HeldBytes, type StoredTime } from './uniques-held.js';
import {
  changedHeld,
  HELD_PREFIX,
  newPartition,
  offsetsOf,
  type PartitionState,
} from './uniques-partition.js';
import {
  decodeCounts,
  encodeCounts,
  jsonRecord,
  readJson,
  type FieldCount,
  type StateRecord,
} from './uniques-state.js';
import { sumTallies, type FrameTally, type RejectReason } from './uniques-tally.js';
import { DEFAULT_TIME_RULES, mergedTimeS, type PartitionClock, type TimeRules } from './watermark.js';
import { PartitionTime, type HeldFrame, type SettledDecision } from './watermark-partition.js';
import { parseWindowKey, windowKey, type Window } from './window.js';

/** What is counted and how: fixed for the life of a job, since its states depend on it. */
export interface CountRules {
  readonly format: FrameFormat;
  readonly time: TimeRules;
  readonly precision: number;
}

export const DEFAULT_COUNT_RULES: CountRules = {
  format: DEFAULT_FRAME_FORMAT,
  time: DEFAULT_TIME_RULES,
  precision: DEFAULT_PRECISION,
};

export interface RejectedFrame {
  readonly partition: number;
  readonly offset: number;
  readonly reason: RejectReason;
  /** The frame as it came; valid until the call that reports it returns. */
  readonly bytes: Uint8Array;
}

interface StoredClosing {
  readonly closedS: number;
  readonly again: number;
}

export type FrameClock = PartitionClock & Pick<PartitionTime<HeldBytes>, 'counted' | 'isHolding'>;

export const WINDOW_PREFIX = 'window/';
/** Then a number, and the window: one that had left this slice's memory, and what was counted in it since. */
export const AGAIN_PREFIX = 'again/';
export const PARTITION_PREFIX = 'partition/';
const CLOSED_KEY = 'closed';

/** Event time, in seconds, of which a log that is compacted keeps a partition's last clock. */
const CLOCK_EVERY_S = 3_600;

/**
 * The key of a clock as the merge stage is told of it, with the hour it shows behind it: of a key that every commit brings,
 * compaction would leave the newest alone, and whoever reads all windows before the first clock has to keep them all.
 */
const clockKey = (key: string, { timeS }: StoredTime): string =>
  `${key}/${timeS === undefined ? 'start' : Math.floor(timeS / CLOCK_EVERY_S)}`;

/** What is new since the last snapshot. */
export interface SliceSnapshot {
  /** For the merge stage: windows before clocks, so that whoever reads a clock has read the counts it vouches for. */
  readonly reports: readonly StateRecord[];
  /** For this slice alone, to be restored from. */
  readonly state: readonly StateRecord[];
}

/**
 * First stage of counting: turns the frames of some partitions into the state of every window they fall into, and
 * decides per partition which frames count. No clock and no I/O. The window states are a function of the *set* of
 * frames counted; what is decided of a partition's frame depends on that partition's earlier frames alone.
 */
export class UniquesSlice {
  readonly #rules: CountRules;
  readonly #reject: (frame: RejectedFrame) => void;
  readonly #reader: FrameReader;
  /** For held frames, which are settled between those being read. */
  readonly #heldReader: FrameReader;
  readonly #partitions = new Map<number, PartitionState>();
  readonly #clocks = new Map<number, FrameClock>();
  readonly #windows: OpenWindows;
  /** Keys of the windows that the state holds. */
  readonly #stored = new Set<string>();
  /** Number of the next snapshot that has windows opened again. */
  #again = 0;

  constructor(partitions: readonly number[], rules: CountRules, reject: (frame: RejectedFrame) => void) {
    this.#rules = rules;
    this.#reject = reject;
    this.#reader = new FrameReader(rules.format);
    this.#heldReader = new FrameReader(rules.format);
    this.#windows = new OpenWindows(rules.format.idFields.length, rules.precision);
    for (const id of partitions) this.#add(newPartition(id, new PartitionTime(rules.time)));
  }

  #add(state: PartitionState): void {
    this.#partitions.set(state.id, state);
    this.#clocks.set(state.id, state.time);
  }

  /** Counts the next frame of a partition, in `bytes[start, end)`. */
  frame(partition: number, offset: number, bytes: Uint8Array, start: number, end: number): void {
    const state = this.#partitions.get(partition)!;
    state.isDirty = true;
    this.#take(state, this.#reader.read(bytes, start, end), offset, this.#reader);
  }

  /** Counts the next frames of a partition, a line each, the first of this offset; blank ones among them are no frames. */
  lines(partition: number, offset: number, lines: ScannedLines): void {
    const state = this.#partitions.get(partition)!;
    state.isDirty = true;
    this.#takeAll(state, offset, lines);
  }

  /**
   * Counts the next frames of a partition, the values of Kafka records without a hole in their offsets, which lie in
   * `bytes[start, end)` as `FrameReader.records` wants them. Returns how many; the others have to be read one by one.
   */
  records(
    partition: number,
    { offset, count }: { readonly offset: number; readonly count: number },
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const state = this.#partitions.get(partition)!;
    const reader = this.#reader;
    let read = 0;
    for (let from = start; read < count && reader.records(bytes, from, end, count - read) > 0;) {
      state.isDirty = true;
      from = reader.stop;
      this.#takeAll(state, offset + read, reader);
      read += reader.count;
    }
    return read;
  }

  #takeAll(state: PartitionState, offset: number, lines: ScannedLines): void {
    for (let i = 0; i < lines.count; i++) {
      const fault = lines.line(i);
      if (fault !== 'blank') this.#take(state, fault, offset + i, lines);
    }
  }

  /** Decides on a frame, and counts it. */
  #take(state: PartitionState, fault: FrameFault | undefined, offset: number, frame: ScannedFrame): void {
    const { time, tally } = state;
    tally.read += 1;
    if (fault !== undefined) {
      this.#quarantine(state, fault, offset, frame.bytes());
      return;
    }
    const { atS } = frame;
    const decision = time.decide(atS);
    if (decision === 'accept' || decision === 'late') {
      this.#windows.count(atS, frame.present, frame.hashes);
      if (decision === 'accept') tally.accept += 1;
      else tally.late += 1;
      // A copy, also of a Buffer, whose slices are views.
    } else if (decision === 'hold') time.hold(atS, { offset, bytes: new Uint8Array(frame.bytes()) });
    else this.#quarantine(state, decision, offset, frame.bytes());
    if (time.unsettled) this.#settleAll(state);
  }

  /** Not a part of `#take`: a function in there would cost memory for what it sees at every frame. */
  #settleAll(state: PartitionState): void {
    state.time.settle((decision, held) => this.#settle(state, decision, held));
  }

  /** A partition has nothing more for now that counts: nobody waits for it. */
  idle(partition: number): void {
    const state = this.#partitions.get(partition)!;
    state.time.idle();
    state.isDirty = true;
  }

  /** A partition has nothing more for now: what it holds will not be confirmed. */
  giveUp(partition: number): void {
    const state = this.#partitions.get(partition)!;
    state.time.giveUp((decision, held) => this.#settle(state, decision, held));
    state.isDirty = true;
  }

  /** A partition has come to the end of its range. */
  end(partition: number): void {
    const state = this.#partitions.get(partition)!;
    state.time.end((decision, held) => this.#settle(state, decision, held));
    state.isDirty = true;
  }

  /** Clock of every partition, for pausing those that run ahead and for telling when one is idle. */
  get clocks(): ReadonlyMap<number, FrameClock> {
    return this.#clocks;
  }

  get openWindows(): number {
    return this.#windows.size;
  }

  /** How all frames so far ended. */
  get tally(): FrameTally {
    return sumTallies([...this.#partitions.values()].map(({ tally }) => tally));
  }

  /**
   * What changed since the last snapshot. Windows that the partitions being read can change no more are reported and leave
   * memory here. That is of no consequence: for a frame of a partition that had been idle such a window is opened again,
   * and what it holds is reported once, under a key of its own, to be united with the rest. Which windows are done the
   * merge stage decides.
   */
  snapshot(): SliceSnapshot {
    const reports: StateRecord[] = [];
    const changed = new Map<string, StateRecord>();
    let hasAgain = false;
    this.#windows.changed((window, counts, isAgain) => {
      const name = windowKey(window);
      const key = isAgain ? `${AGAIN_PREFIX}${this.#again}/${name}` : WINDOW_PREFIX + name;
      const record = { key, value: encodeCounts(counts) };
      reports.push(record);
      if (isAgain) hasAgain = true;
      else changed.set(key, record);
    });
    if (hasAgain) this.#again += 1;
    const state: StateRecord[] = [];
    for (const partition of this.#partitions.values()) {
      if (partition.isDirty) state.push(...changedHeld(partition));
    }
    for (const [key, clock] of this.#changedClocks()) {
      state.push(jsonRecord(key, clock));
      reports.push(jsonRecord(clockKey(key, clock), clock));
    }
    const { closedS } = this.#windows;
    for (const window of this.#close()) {
      const key = WINDOW_PREFIX + windowKey(window);
      // Most windows of sparse frames open and close between two snapshots: no state is ever written of them.
      changed.delete(key);
      if (this.#stored.delete(key)) state.push({ key, value: null });
    }
    for (const [key, record] of changed) {
      this.#stored.add(key);
      state.push(record);
    }
    if (this.#windows.closedS > closedS || hasAgain) {
      const stored: StoredClosing = { closedS: this.#windows.closedS, again: this.#again };
      state.push(jsonRecord(CLOSED_KEY, stored));
    }
    return { reports, state };
  }

  /**
   * Instead of `snapshot`, for a merge stage in the same process and without stored state: `report` gets the counts
   * themselves, which go on changing. Returns the clocks that changed. For a slice of one partition, which never brings
   * what it has closed.
   */
  share(report: (window: Window, counts: readonly FieldCount[]) => void): StateRecord[] {
    this.#windows.changed(report);
    const clocks = this.#changedClocks();
    this.#close();
    return clocks.map(([key, clock]) => jsonRecord(key, clock));
  }

  #changedClocks(): [key: string, clock: StoredTime][] {
    const clocks: [string, StoredTime][] = [];
    for (const state of this.#partitions.values()) {
      if (!state.isDirty) continue;
      state.isDirty = false;
      const { timeS, ahead, counted, reading } = state.time.state;
      clocks.push([`${PARTITION_PREFIX}${state.id}`, { timeS, ahead, counted, reading, tally: state.tally }]);
    }
    return clocks;
  }

  /**
   * Takes up the state that the newest record of each key holds. Returns the partitions that were idle: they are read again, as
   * much may have come since. @throws PipelineError `BAD_STATE`, `BAD_SKETCH`.
   */
  restore(records: Iterable<StateRecord>): number[] {
    const clocks = new Map<number, StoredTime>();
    const held = new Map<number, HeldFrame<HeldBytes>[]>();
    for (const { key, value } of records) {
      if (value === null) continue;
      if (key.startsWith(WINDOW_PREFIX)) {
        const window = parseWindowKey(key.slice(WINDOW_PREFIX.length));
        this.#windows.restore(window, decodeCounts(value));
        this.#stored.add(key);
      } else if (key.startsWith(PARTITION_PREFIX)) {
        clocks.set(Number(key.slice(PARTITION_PREFIX.length)), readJson<StoredTime>(value));
      } else if (key.startsWith(HELD_PREFIX)) {
        const [id, offset] = key.slice(HELD_PREFIX.length).split('/').map(Number) as [number, number];
        const frames = held.get(id) ?? [];
        frames.push(decodeHeld(offset, value));
        held.set(id, frames);
      } else if (key === CLOSED_KEY) {
        const { closedS, again } = readJson<StoredClosing>(value);
        this.#windows.closedS = closedS;
        this.#again = again;
      }
    }
    const wereIdle: number[] = [];
    for (const [id, { tally, ...rest }] of clocks) {
      const frames = (held.get(id) ?? []).sort((a, b) => a.frame.offset - b.frame.offset);
      const isIdle = rest.reading === 'idle';
      const reading = isIdle ? 'reading' : rest.reading;
      const time = new PartitionTime(this.#rules.time, { ...rest, reading, held: frames });
      const state = newPartition(id, time, tally, offsetsOf(frames));
      state.isDirty = isIdle;
      this.#add(state);
      if (isIdle) wereIdle.push(id);
    }
    return wereIdle;
  }

  /** Drops the windows that even the latest frame allowed of a partition being read can no longer reach. */
  #close(): Window[] {
    const timeS = mergedTimeS([...this.#partitions.values()].map(({ time }) => time));
    return timeS === undefined ? [] : this.#windows.close(timeS - this.#rules.time.latenessS);
  }

  #settle(state: PartitionState, decision: SettledDecision, { frame }: HeldFrame<HeldBytes>): void {
    if (decision === 'accept' || decision === 'late') {
      const reader = this.#heldReader;
      reader.read(frame.bytes, 0, frame.bytes.length);
      this.#windows.count(reader.atS, reader.present, reader.hashes);
      state.tally[decision] += 1;
    } else this.#quarantine(state, decision, frame.offset, frame.bytes);
  }

  #quarantine(state: PartitionState, reason: RejectReason, offset: number, bytes: Uint8Array): void {
    state.tally[reason] += 1;
    this.#reject({ partition: state.id, offset, reason, bytes });
  }
}
