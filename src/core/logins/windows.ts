import { hash64 } from '../hash64.js';
import { UniqueSketch } from '../hyperloglog.js';
import { statusDue } from '../result-status.js';
import { badState, decodeCounts, encodeCounts, type FieldCount, type StateRecord } from '../uniques-state.js';
import { isoSeconds } from '../window.js';
import type { LoginFact } from './facts.js';
import { DIMENSIONS, type Dimension, type LoginWindow } from './insights.js';

/** Values of one dimension that a window tells apart: versions and locales are what clients send. */
export const MAX_VALUES = 500;
const OTHER = '(other)';
const WINDOW_PREFIX = 'window/';
/** Flags (1: final, 2: changed since the last result), revision as 4 bytes big-endian, then encodeCounts. */
const HEADER_BYTES = 5;

interface Counted {
  readonly startMs: number;
  readonly dimension: Dimension;
  readonly value: string;
  readonly count: FieldCount;
  isFinal: boolean;
  hasChanged: boolean;
  isDirty: boolean;
  revision: number;
}

interface OpenWindow {
  readonly values: Map<string, Counted>;
  readonly sizes: Record<Dimension, number>;
}

const ENCODER = new TextEncoder();
const scratch = new Uint8Array(64);
const lanes = new Uint32Array(4);

/** Logins and unique users of tumbling windows, by every dimension; a function of the set of logins, whatever their order. */
export class LoginWindows {
  readonly #windowMs: number;
  readonly #windows = new Map<number, OpenWindow>();
  readonly #gone: string[] = [];
  /** Windows that end here or before have left memory. */
  closedMs = Number.NEGATIVE_INFINITY;
  overflow = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get size(): number {
    return this.#windows.size;
  }

  /** @returns false when the login's window has left memory. */
  count(fact: LoginFact): boolean {
    const startMs = Math.floor(fact.atMs / this.#windowMs) * this.#windowMs;
    if (startMs + this.#windowMs <= this.closedMs) return false;
    const { written } = ENCODER.encodeInto(fact.userId, scratch);
    hash64(scratch, 0, written, lanes);
    for (const dimension of DIMENSIONS) {
      const counted = this.#counted(startMs, dimension, valueOf(fact, dimension));
      counted.count.frames += 1;
      counted.count.sketch.add(lanes[0]!, lanes[1]!);
      counted.hasChanged = true;
      counted.isDirty = true;
    }
    return true;
  }

  /** The results due; windows that end at `closedMs` or before give their last and leave memory. */
  results(nowMs: number, watermarkMs: number, closedMs: number, withChanges: boolean): LoginWindow[] {
    const due: LoginWindow[] = [];
    for (const [startMs, { values }] of this.#windows) {
      const endMs = startMs + this.#windowMs;
      const isClosing = endMs <= closedMs;
      for (const counted of values.values()) {
        const status = statusDue(counted, endMs, watermarkMs, withChanges || isClosing);
        if (status !== undefined) {
          if (status === 'revised') counted.revision += 1;
          if (status === 'final') counted.isFinal = true;
          counted.hasChanged = false;
          counted.isDirty = true;
          due.push(toResult(counted, endMs, status, nowMs));
        }
        if (isClosing) this.#gone.push(keyOf(counted));
      }
      if (isClosing) this.#windows.delete(startMs);
    }
    this.closedMs = Math.max(this.closedMs, closedMs);
    return due;
  }

  snapshot(): StateRecord[] {
    const records: StateRecord[] = this.#gone.splice(0).map((key) => ({ key, value: null }));
    for (const { values } of this.#windows.values()) {
      for (const counted of values.values()) {
        if (!counted.isDirty) continue;
        counted.isDirty = false;
        records.push({ key: keyOf(counted), value: encode(counted) });
      }
    }
    return records;
  }

  /** Takes up one record of state. @returns whether it was one. @throws PipelineError `BAD_STATE`, `BAD_SKETCH`. */
  restore({ key, value }: StateRecord): boolean {
    if (!key.startsWith(WINDOW_PREFIX)) return false;
    if (value === null) return true;
    const [start, dimension, ...rest] = key.slice(WINDOW_PREFIX.length).split('/');
    const known = DIMENSIONS.find((name) => name === dimension);
    if (known === undefined || value.length < HEADER_BYTES) throw badState(`a window of ${dimension ?? ''}`);
    const counted = this.#counted(Number(start), known, rest.join('/'), true);
    const [count] = decodeCounts(value.subarray(HEADER_BYTES));
    counted.count.frames = count!.frames;
    counted.count.sketch.merge(count!.sketch);
    counted.isFinal = (value[0]! & 1) !== 0;
    counted.hasChanged = (value[0]! & 2) !== 0;
    counted.revision = new DataView(value.buffer, value.byteOffset).getUint32(1);
    return true;
  }

  #counted(startMs: number, dimension: Dimension, value: string, isKnown = false): Counted {
    let window = this.#windows.get(startMs);
    if (window === undefined) {
      window = { values: new Map(), sizes: { all: 0, device_type: 0, app_version: 0, locale: 0 } };
      this.#windows.set(startMs, window);
    }
    const found = window.values.get(`${dimension}/${value}`);
    if (found !== undefined) return found;
    if (!isKnown && window.sizes[dimension] >= MAX_VALUES && value !== OTHER) {
      this.overflow += 1;
      return this.#counted(startMs, dimension, OTHER);
    }
    const counted: Counted = {
      startMs,
      dimension,
      value,
      count: { frames: 0, sketch: new UniqueSketch() },
      isFinal: false,
      hasChanged: false,
      isDirty: false,
      revision: 0,
    };
    window.values.set(`${dimension}/${value}`, counted);
    window.sizes[dimension] += 1;
    return counted;
  }
}

function valueOf(fact: LoginFact, dimension: Dimension): string {
  switch (dimension) {
    case 'all':
      return '';
    case 'device_type':
      return fact.deviceType;
    case 'app_version':
      return fact.appVersion;
    case 'locale':
      return fact.locale;
  }
}

const keyOf = ({ startMs, dimension, value }: Counted): string =>
  `${WINDOW_PREFIX}${startMs}/${dimension}/${value}`;

function encode({ count, isFinal, hasChanged, revision }: Counted): Uint8Array {
  const counts = encodeCounts([count]);
  const bytes = new Uint8Array(HEADER_BYTES + counts.length);
  bytes[0] = (isFinal ? 1 : 0) | (hasChanged ? 2 : 0);
  new DataView(bytes.buffer).setUint32(1, revision);
  bytes.set(counts, HEADER_BYTES);
  return bytes;
}

const toResult = (
  counted: Counted,
  endMs: number,
  status: LoginWindow['status'],
  nowMs: number,
): LoginWindow => ({
  kind: 'window',
  start: isoSeconds(counted.startMs),
  end: isoSeconds(endMs),
  dimension: counted.dimension,
  value: counted.value,
  logins: counted.count.frames,
  users: counted.count.sketch.count,
  error: Number(counted.count.sketch.error.toFixed(4)),
  status,
  revision: counted.revision,
  emittedAt: new Date(nowMs).toISOString(),
});
