import {
  CLOSE_BRACE,
  COMMA,
  FAULT,
  OPEN_BRACE,
  QUOTE,
  skipColon,
  skipNumber,
  skipSpace,
  skipString,
  skipValue,
} from './json-skip.js';

/**
 * Why a frame cannot be counted: `malformed` is not one JSON object; `no-ts` has no `ts` that is a finite number (of
 * seconds) or a string of one; `no-id` has none of the counted fields as a number or as a string that is not empty.
 */
export type FrameFault = 'malformed' | 'no-ts' | 'no-id';

export interface FrameFormat {
  /** Name of the top-level member that holds the unix time in seconds. */
  readonly tsField: string;
  /** Names of the top-level members whose distinct values are counted. */
  readonly idFields: readonly string[];
  /** Read to the end and validate, encoding included, instead of stopping at the last member needed. */
  readonly strict: boolean;
}

export const DEFAULT_FRAME_FORMAT: FrameFormat = { tsField: 'ts', idFields: ['uid'], strict: false };

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
const STRICT_DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();
const NUMBER_TEXT = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const TS = 0;
/** Fields counted at most: one bit each, and one for the time, in a small integer. */
export const MOST_ID_FIELDS = 29;

/** Where one counted value's text lies: `bytes[start, end)`, or nowhere while `end` is 0. */
interface IdText {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/**
 * Finds the top-level members it needs in one JSON object, in one pass over the bytes, without building objects.
 * It stops when it has them all: of a name given twice the first counts, and a fault behind the stop goes unseen
 * unless `strict`. Whatever lies before the stop is checked as JSON.parse would check it.
 *
 * A value is counted by its text: the string "42" and the number 42 are one user. Integers keep every digit as
 * written; other numbers are brought to one form first (1e3 is 1000).
 *
 * One scanner serves one thread; its fields hold the last frame's values until the next call.
 */
export class FrameScanner {
  /** Unix time in seconds, possibly with a fraction. Finite. */
  tsSeconds = 0;
  /** The counted values, in the order of `idFields`. */
  readonly ids: readonly IdText[];
  /** Position after the last byte that was read. */
  stop = 0;

  readonly #names: readonly string[];
  readonly #nameBytes: readonly Uint8Array[];
  /** Bit i: the i-th field has not been seen in this frame. */
  #missing = 0;
  readonly #strict: boolean;

  constructor(format: FrameFormat = DEFAULT_FRAME_FORMAT) {
    this.#names = [format.tsField, ...format.idFields];
    if (format.idFields.length === 0 || new Set(this.#names).size !== this.#names.length) {
      throw new RangeError(
        `reading frames: fields must be distinct and at least one counted, got ${this.#names.join(', ')}`,
      );
    }
    if (format.idFields.length > MOST_ID_FIELDS) {
      throw new RangeError(`reading frames: at most ${MOST_ID_FIELDS} counted fields`);
    }
    this.#nameBytes = this.#names.map((name) => ENCODER.encode(name));
    this.#strict = format.strict;
    this.ids = format.idFields.map(() => ({ bytes: new Uint8Array(0), start: 0, end: 0 }));
  }

  /** Reads the frame in `bytes[start, end)`. Returns why it cannot be counted, or undefined when it can. */
  scan(bytes: Uint8Array, start: number, end: number): FrameFault | undefined {
    const ids = this.ids;
    this.tsSeconds = Number.NaN;
    for (let i = 0; i < ids.length; i++) ids[i]!.end = 0;
    const stop = this.#readObject(bytes, start, end);
    this.stop = stop;
    if (stop === FAULT || (this.#strict && !isUtf8(bytes, start, end))) return 'malformed';
    if (!Number.isFinite(this.tsSeconds)) return 'no-ts';
    for (let i = 0; i < ids.length; i++) if (ids[i]!.end > 0) return undefined;
    return 'no-id';
  }

  #readObject(bytes: Uint8Array, start: number, end: number): number {
    let at = skipSpace(bytes, start, end);
    if (at >= end || bytes[at] !== OPEN_BRACE) return FAULT;
    at = skipSpace(bytes, at + 1, end);
    if (at < end && bytes[at] === CLOSE_BRACE) return finish(bytes, at + 1, end);
    this.#missing = (1 << this.#names.length) - 1;
    for (;;) {
      if (at >= end || bytes[at] !== QUOTE) return FAULT;
      const nameEnd = skipString(bytes, at + 1, end);
      if (nameEnd === FAULT) return FAULT;
      const field = this.#fieldNamed(bytes, at, nameEnd);
      at = skipColon(bytes, nameEnd < 0 ? -nameEnd : nameEnd, end);
      if (at === FAULT || at >= end) return FAULT;
      if (field < 0) at = skipValue(bytes, at, end);
      else {
        at = this.#take(field, bytes, at, end);
        if (this.#missing === 0 && !this.#strict) return at;
      }
      if (at === FAULT) return FAULT;
      at = skipSpace(bytes, at, end);
      if (at >= end) return FAULT;
      if (bytes[at] === CLOSE_BRACE) return finish(bytes, at + 1, end);
      if (bytes[at] !== COMMA) return FAULT;
      at = skipSpace(bytes, at + 1, end);
    }
  }

  /** The wanted field whose name starts (with its quote) at `at`, or -1 when there is none or it was seen before. */
  #fieldNamed(bytes: Uint8Array, at: number, nameEnd: number): number {
    if (nameEnd < 0) {
      const name = JSON.parse(DECODER.decode(bytes.subarray(at, -nameEnd))) as string;
      return this.#unseen(this.#names.indexOf(name));
    }
    const length = nameEnd - at - 2;
    const names = this.#nameBytes;
    for (let field = 0; field < names.length; field++) {
      const name = names[field]!;
      if (name.length === length && startsWith(bytes, at + 1, name)) return this.#unseen(field);
    }
    return -1;
  }

  #unseen(field: number): number {
    const bit = 1 << field;
    if (field < 0 || (this.#missing & bit) === 0) return -1;
    this.#missing ^= bit;
    return field;
  }

  /** Takes the value of a wanted field and skips it. */
  #take(field: number, bytes: Uint8Array, at: number, end: number): number {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      const after = skipString(bytes, at + 1, end);
      if (after === FAULT) return FAULT;
      if (field === TS) this.tsSeconds = secondsIn(bytes, at, after);
      else takeString(this.ids[field - 1]!, bytes, at, after);
      return after < 0 ? -after : after;
    }
    if (byte !== 0x2d && (byte < 0x30 || byte > 0x39)) return skipValue(bytes, at, end);
    const after = skipNumber(bytes, at, end);
    if (after === FAULT || !endsMember(bytes, after, end)) return FAULT;
    if (field === TS) this.tsSeconds = numberAt(bytes, at, after);
    else takeNumber(this.ids[field - 1]!, bytes, at, after);
    return after;
  }
}

/** After the object there may only be space. */
function finish(bytes: Uint8Array, at: number, end: number): number {
  return skipSpace(bytes, at, end) === end ? end : FAULT;
}

/** Whether a number ends here: cut short or with a letter behind it, it would be another one, and nothing else would tell. */
function endsMember(bytes: Uint8Array, at: number, end: number): boolean {
  if (at >= end) return false;
  const byte = bytes[at]!;
  return byte === COMMA || byte === CLOSE_BRACE || skipSpace(bytes, at, end) > at;
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}

/** The text of the string whose opening quote is at `at`; `after` as skipString returned it. */
function textOf(bytes: Uint8Array, at: number, after: number): string {
  if (after > 0) return DECODER.decode(bytes.subarray(at + 1, after - 1));
  return JSON.parse(DECODER.decode(bytes.subarray(at, -after))) as string;
}

function takeString(id: IdText, bytes: Uint8Array, at: number, after: number): void {
  if (after < 0) setText(id, textOf(bytes, at, after));
  else if (after - at > 2) setRange(id, bytes, at + 1, after - 1);
}

/** Sums the digits of the common case, an integer of seconds; anything longer or with a fraction goes through Number. */
function numberAt(bytes: Uint8Array, at: number, after: number): number {
  let value = 0;
  for (let i = at; i < after; i++) {
    const digit = bytes[i]! - 0x30;
    // Up to 15 digits a double holds every integer.
    if (digit < 0 || digit > 9 || after - at > 15) return Number(DECODER.decode(bytes.subarray(at, after)));
    value = 10 * value + digit;
  }
  return value;
}

function takeNumber(id: IdText, bytes: Uint8Array, at: number, after: number): void {
  for (let i = bytes[at] === 0x2d ? at + 1 : at; i < after; i++) {
    const byte = bytes[i]!;
    const isNegativeZero = byte === 0x30 && i === at + 1 && bytes[at] === 0x2d;
    if (byte < 0x30 || byte > 0x39 || isNegativeZero) {
      setText(id, String(Number(DECODER.decode(bytes.subarray(at, after)))));
      return;
    }
  }
  setRange(id, bytes, at, after);
}

/** The number that the string at `at` holds; `after` as skipString returned it. */
function secondsIn(bytes: Uint8Array, at: number, after: number): number {
  const isPlain = after > at + 2 && bytes[at + 1]! >= 0x31 && isDigits(bytes, at + 1, after - 1);
  if (isPlain) return numberAt(bytes, at + 1, after - 1);
  const text = textOf(bytes, at, after);
  return NUMBER_TEXT.test(text) ? Number(text) : Number.NaN;
}

function isDigits(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false;
  return true;
}

function setText(id: IdText, text: string): void {
  const bytes = ENCODER.encode(text);
  setRange(id, bytes, 0, bytes.length);
}

function setRange(id: IdText, bytes: Uint8Array, start: number, end: number): void {
  id.bytes = bytes;
  id.start = start;
  id.end = end;
}

function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  try {
    STRICT_DECODER.decode(bytes.subarray(start, end));
    return true;
  } catch {
    return false;
  }
}
