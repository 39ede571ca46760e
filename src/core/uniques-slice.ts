import type { CountRules } from './count-rules.js';
import { FrameReader } from './frame-reader.js';
import type { FrameFault } from './frame-scanner.js';
import { OpenWindows } from './open-windows.js';
import type { ScannedFrame, ScannedLines } from './scanned-lines.js';
import type { HeldBytes, StoredTime } from './uniques-held.js';
import { changedHeld, newPartition, offsetsOf, type PartitionState } from './uniques-partition.js';
import { encodeCounts, jsonRecord, type FieldCount, type StateRecord } from './uniques-state.js';
import {
  AGAIN_PREFIX,
  CLOSED_KEY,
  clockKey,
  PARTITION_PREFIX,
  readStored,
  WINDOW_PREFIX,
  type StoredClosing,
} from './uniques-stored.js';
import { sumTallies, type FrameTally, type RejectReason } from './uniques-tally.js';
import { mergedTimeS, type PartitionClock } from './watermark.js';
import { PartitionTime, type HeldFrame, type SettledDecision } from './watermark-partition.js';
import { windowKey, type Window } from './window.js';

export interface RejectedFrame {
  readonly partition: number;
  readonly offset: number;
  readonly reason: RejectReason;
  /** The frame as it came; valid until the call that reports it returns. */
  readonly bytes: Uint8Array;
}

export type FrameClock = PartitionClock & Pick<PartitionTime<HeldBytes>, 'counted' | 'isHolding'>;

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
    const { windows, clocks, held, closing } = readStored(records);
    for (const [key, [window, counts]] of windows) {
      this.#windows.restore(window, counts);
      this.#stored.add(key);
    }
    if (closing !== undefined) {
      this.#windows.closedS = closing.closedS;
      this.#again = closing.again;
    }
    const wereIdle: number[] = [];
    for (const [id, { tally, ...rest }] of clocks) {
      const frames = held.get(id) ?? [];
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
