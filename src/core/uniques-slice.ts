import { FrameReader } from './frame-reader.js';
import { DEFAULT_FRAME_FORMAT, type FrameFault, type FrameFormat } from './frame-scanner.js';
import { DEFAULT_PRECISION, UniqueSketch } from './hyperloglog.js';
import { encodeFrame, decodeFrame, type HeldBytes, type StoredTime } from './uniques-held.js';
import {
  decodeCounts,
  encodeCounts,
  jsonRecord,
  readJson,
  type FieldCount,
  type StateRecord,
} from './uniques-state.js';
import { emptyTally, sumTallies, type FrameTally, type RejectReason } from './uniques-tally.js';
import { DEFAULT_TIME_RULES, mergedTimeS, type PartitionClock, type TimeRules } from './watermark.js';
import { PartitionTime, type HeldFrame, type SettledDecision } from './watermark-partition.js';
import { parseWindowKey, WINDOW_KINDS, windowAt, windowKey, type Window } from './window.js';

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

interface PartitionState {
  readonly id: number;
  readonly time: PartitionTime<HeldBytes>;
  readonly tally: FrameTally;
  isDirty: boolean;
}

interface WindowState {
  readonly window: Window;
  readonly counts: FieldCount[];
  isDirty: boolean;
}

/** The windows of one minute's frames. */
interface Minute {
  readonly startS: number;
  /** In the order of WINDOW_KINDS. */
  readonly windows: readonly WindowState[];
  /** Per field: frames that the windows' counts do not include yet. */
  readonly pending: Float64Array;
}

const MINUTE = WINDOW_KINDS.indexOf('minute');
const WEEK = WINDOW_KINDS.indexOf('week');
const YEAR = WINDOW_KINDS.indexOf('year');

export const WINDOW_PREFIX = 'window/';
export const PARTITION_PREFIX = 'partition/';
const CLOSED_KEY = 'closed';

/**
 * First stage of counting: turns the frames of some partitions into the state of every window they fall into, and
 * decides per partition which frames count. No clock and no I/O. The window states are a function of the *set* of
 * frames counted; what is decided of a partition's frame depends on that partition's earlier frames alone.
 */
export class UniquesSlice {
  readonly #rules: CountRules;
  readonly #reject: (frame: RejectedFrame) => void;
  readonly reader: FrameReader;
  readonly #partitions = new Map<number, PartitionState>();
  readonly #windows = WINDOW_KINDS.map(() => new Map<number, WindowState>());
  readonly #minutes = new Map<number, Minute>();
  #minute: Minute | undefined;
  /** Windows that end here or before have left memory. */
  #closedS = Number.NEGATIVE_INFINITY;

  /** `roomBytes`: how much memory for frames to offer the caller, see `FrameReader.room`. */
  constructor(
    partitions: readonly number[],
    rules: CountRules,
    reject: (frame: RejectedFrame) => void,
    roomBytes = 0,
  ) {
    this.#rules = rules;
    this.#reject = reject;
    this.reader = new FrameReader(rules.format, roomBytes);
    for (const id of partitions) this.#partitions.set(id, newPartition(id, new PartitionTime(rules.time)));
  }

  /** Counts the next frame of a partition, in `bytes[start, end)`. */
  frame(partition: number, offset: number, bytes: Uint8Array, start: number, end: number): void {
    const state = this.#partitions.get(partition)!;
    state.isDirty = true;
    this.#take(state, this.reader.read(bytes, start, end), offset, bytes, start, end);
  }

  /**
   * Counts the next frames of a partition, a line each, of those in `reader.room[start, end)`: some hundreds at most, up to
   * `reader.stop`. The first line has this offset. Returns how many lines; blank ones among them are no frames.
   */
  lines(partition: number, offset: number, start: number, end: number): number {
    const state = this.#partitions.get(partition)!;
    const { reader } = this;
    const { room } = reader;
    const lines = reader.cut(start, end);
    if (lines > 0) state.isDirty = true;
    for (let i = 0; i < lines; i++) {
      const fault = reader.line(i);
      if (fault !== 'blank') this.#take(state, fault, offset + i, room, reader.start, reader.end);
    }
    return lines;
  }

  /** Decides on the frame just read, and counts it. */
  #take(
    state: PartitionState,
    fault: FrameFault | undefined,
    offset: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { time, tally } = state;
    tally.read += 1;
    if (fault !== undefined) {
      this.#quarantine(state, fault, offset, bytes.subarray(start, end));
      return;
    }
    const { atS } = this.reader;
    const decision = time.decide(atS);
    if (decision === 'accept' || decision === 'late') {
      if (!this.#count(atS)) this.#quarantine(state, 'closed', offset, bytes.subarray(start, end));
      else if (decision === 'accept') tally.accept += 1;
      else tally.late += 1;
    } else if (decision === 'hold') time.hold(atS, { offset, bytes: bytes.slice(start, end) });
    else this.#quarantine(state, decision, offset, bytes.subarray(start, end));
    if (time.unsettled) time.settle((settled, held) => this.#settle(state, settled, held));
  }

  /** A partition has nothing more for now. */
  idle(partition: number): void {
    const state = this.#partitions.get(partition)!;
    state.time.idle((decision, held) => this.#settle(state, decision, held));
    state.isDirty = true;
  }

  /** A partition has come to the end of its range. */
  end(partition: number): void {
    const state = this.#partitions.get(partition)!;
    state.time.end((decision, held) => this.#settle(state, decision, held));
    state.isDirty = true;
  }

  /** Clock of every partition, for pausing those that run ahead. */
  get clocks(): ReadonlyMap<number, PartitionClock> {
    return new Map([...this.#partitions].map(([id, { time }]) => [id, time]));
  }

  get openWindows(): number {
    return this.#windows.reduce((sum, windows) => sum + windows.size, 0);
  }

  /** How all frames so far ended. */
  get tally(): FrameTally {
    return sumTallies([...this.#partitions.values()].map(({ tally }) => tally));
  }

  /**
   * What changed since the last snapshot, windows before clocks: whoever reads a clock has read the counts it vouches
   * for. Windows that no frame may change any more leave memory here, and their keys get a null.
   */
  snapshot(): StateRecord[] {
    const records: StateRecord[] = [];
    this.#changedWindows((window, counts) => {
      records.push({ key: WINDOW_PREFIX + windowKey(window), value: encodeCounts(counts) });
    });
    records.push(...this.#changedClocks());
    const closedS = this.#closedS;
    const closed = this.#close();
    if (this.#closedS > closedS) records.push(jsonRecord(CLOSED_KEY, { closedS: this.#closedS }));
    for (const window of closed) records.push({ key: WINDOW_PREFIX + windowKey(window), value: null });
    return records;
  }

  /**
   * Instead of `snapshot`, for a merge stage in the same process and without stored state: `report` gets the counts
   * themselves, which go on changing. Returns the clocks that changed.
   */
  share(report: (window: Window, counts: readonly FieldCount[]) => void): StateRecord[] {
    this.#changedWindows(report);
    const clocks = this.#changedClocks();
    this.#close();
    return clocks;
  }

  #changedWindows(report: (window: Window, counts: readonly FieldCount[]) => void): void {
    this.#settleMinute();
    for (const windows of this.#windows) {
      for (const state of windows.values()) {
        if (!state.isDirty) continue;
        state.isDirty = false;
        report(state.window, state.counts);
      }
    }
  }

  #changedClocks(): StateRecord[] {
    const records: StateRecord[] = [];
    for (const state of this.#partitions.values()) {
      if (!state.isDirty) continue;
      state.isDirty = false;
      const { held, ...rest } = state.time.state;
      const stored: StoredTime = { ...rest, held: held.map(encodeFrame), tally: state.tally };
      records.push(jsonRecord(`${PARTITION_PREFIX}${state.id}`, stored));
    }
    return records;
  }

  /** Takes up the state that the newest record of each key holds. @throws PipelineError `BAD_STATE`, `BAD_SKETCH`. */
  restore(records: Iterable<StateRecord>): void {
    for (const { key, value } of records) {
      if (value === null) continue;
      if (key.startsWith(WINDOW_PREFIX)) {
        const window = parseWindowKey(key.slice(WINDOW_PREFIX.length));
        const state = { window, counts: decodeCounts(value), isDirty: false };
        this.#windows[WINDOW_KINDS.indexOf(window.kind)]!.set(window.startMs, state);
      } else if (key.startsWith(PARTITION_PREFIX)) {
        const { held, tally, ...rest } = readJson<StoredTime>(value);
        const id = Number(key.slice(PARTITION_PREFIX.length));
        const time = new PartitionTime(this.#rules.time, { ...rest, held: held.map(decodeFrame) });
        this.#partitions.set(id, newPartition(id, time, tally));
      } else if (key === CLOSED_KEY) this.#closedS = readJson<{ closedS: number }>(value).closedS;
    }
  }

  #settle(state: PartitionState, decision: SettledDecision, { atS, frame }: HeldFrame<HeldBytes>): void {
    if (decision === 'accept' || decision === 'late') {
      this.reader.read(frame.bytes, 0, frame.bytes.length);
      if (this.#count(atS)) state.tally[decision] += 1;
      else this.#quarantine(state, 'closed', frame.offset, frame.bytes);
    } else this.#quarantine(state, decision, frame.offset, frame.bytes);
  }

  #quarantine(state: PartitionState, reason: RejectReason, offset: number, bytes: Uint8Array): void {
    state.tally[reason] += 1;
    this.#reject({ partition: state.id, offset, reason, bytes });
  }

  /** Adds the frame just read to the six windows of its time. Returns false when its minute has left memory. */
  #count(atS: number): boolean {
    let minute = this.#minute;
    if (minute === undefined || atS < minute.startS || atS >= minute.startS + 60) {
      minute = this.#openMinute(atS - (((atS % 60) + 60) % 60));
      if (minute === undefined) return false;
    }
    const { hashes, present } = this.reader;
    for (let field = 0, bits = present; bits !== 0; field++, bits >>>= 1) {
      if ((bits & 1) === 0) continue;
      minute.pending[field]! += 1;
      addToWindows(minute.windows, field, hashes[2 * field]!, hashes[2 * field + 1]!);
    }
    return true;
  }

  /** Turns to another minute; undefined when it has left memory. */
  #openMinute(startS: number): Minute | undefined {
    this.#settleMinute();
    this.#minute = this.#minutes.get(startS);
    if (this.#minute === undefined && startS + 60 > this.#closedS) {
      this.#minute = {
        startS,
        windows: WINDOW_KINDS.map((kind, k) => this.#open(this.#windows[k]!, windowAt(kind, startS * 1000))),
        pending: new Float64Array(this.#rules.format.idFields.length),
      };
      this.#minutes.set(startS, this.#minute);
    }
    return this.#minute;
  }

  /** Adds the frames counted since this minute's turn began to its windows. */
  #settleMinute(): void {
    if (this.#minute === undefined) return;
    const { windows, pending } = this.#minute;
    if (pending.every((frames) => frames === 0)) return;
    for (const window of windows) {
      window.isDirty = true;
      window.counts.forEach((count, field) => (count.frames += pending[field]!));
    }
    pending.fill(0);
  }

  #open(windows: Map<number, WindowState>, window: Window): WindowState {
    let state = windows.get(window.startMs);
    if (state === undefined) {
      const counts = this.#rules.format.idFields.map(() => ({
        frames: 0,
        sketch: new UniqueSketch(this.#rules.precision),
      }));
      state = { window, counts, isDirty: false };
      windows.set(window.startMs, state);
    }
    return state;
  }

  /** Drops the windows that even the latest frame allowed can no longer reach. */
  #close(): Window[] {
    const timeS = mergedTimeS([...this.#partitions.values()].map(({ time }) => time));
    const closedS = (timeS ?? Number.NEGATIVE_INFINITY) - this.#rules.time.latenessS;
    // Infinity, once all have ended, is not a time: nothing follows, so nothing needs to leave.
    if (closedS <= this.#closedS || closedS === Number.POSITIVE_INFINITY) return [];
    this.#closedS = closedS;
    const closed: Window[] = [];
    for (const windows of this.#windows) {
      for (const [startMs, { window }] of windows) {
        if (window.endMs > closedS * 1000) continue;
        windows.delete(startMs);
        closed.push(window);
        if (window.kind === 'minute') this.#minutes.delete(startMs / 1000);
      }
    }
    this.#minute = undefined;
    return closed;
  }
}

/**
 * Adds a hash to the windows of its minute, in the order of WINDOW_KINDS. A window holds whatever a narrower one within it
 * holds, so what changes nothing there changes nothing here.
 */
function addToWindows(windows: readonly WindowState[], field: number, high: number, low: number): void {
  for (let k = MINUTE; k <= YEAR; k++) {
    const hasChanged = windows[k]!.counts[field]!.sketch.add(high, low);
    // A month is not made of weeks, so the week says nothing of it.
    if (!hasChanged && k !== WEEK) return;
  }
}

const newPartition = (
  id: number,
  time: PartitionTime<HeldBytes>,
  tally: FrameTally = emptyTally(),
): PartitionState => ({ id, time, tally, isDirty: false });
