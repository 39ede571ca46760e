/**
 * Skipping over JSON (RFC 8259) in a byte range without building anything, checking every byte that is passed.
 * Every function takes a position and the range's excluded end, and returns the position after what it skipped, or
 * `FAULT` when the bytes are not JSON. A position is at least 1 wherever one is returned, so 0 is free to say so.
 */
export const FAULT = 0;

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const LOWER_U = 0x75;

/** 1 for the bytes that may not simply be passed within a string: quote, backslash and control characters. */
const STOPS_STRING = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);
const ESCAPABLE = byteSet('"\\/bfnrt');
const HEX = byteSet('0123456789abcdefABCDEF');
const TRUE = new TextEncoder().encode('true');
const FALSE = new TextEncoder().encode('false');
const NULL = new TextEncoder().encode('null');

function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}

export function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    at++;
  }
  return at;
}

/** From after the opening quote to after the closing one: *negative* when the string holds an escape, as its bytes are not its text then. */
export function skipString(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  let escaped = false;
  while (at < end) {
    const byte = bytes[at]!;
    at++;
    if (STOPS_STRING[byte] === 0) continue;
    if (byte === QUOTE) return escaped ? -at : at;
    if (byte !== BACKSLASH) return FAULT;
    escaped = true;
    at = skipEscape(bytes, at, end);
    if (at === FAULT) return FAULT;
  }
  return FAULT;
}

function skipEscape(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return FAULT;
  if (ESCAPABLE[bytes[at]!] === 1) return at + 1;
  if (bytes[at] !== LOWER_U || at + 5 > end) return FAULT;
  for (let i = at + 1; i < at + 5; i++) if (HEX[bytes[i]!] === 0) return FAULT;
  return at + 5;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** Passes at least one digit. */
function skipDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isDigit(bytes[at]!)) at++;
  return at === from ? FAULT : at;
}

export function skipNumber(bytes: Uint8Array, from: number, end: number): number {
  let at = bytes[from] === MINUS ? from + 1 : from;
  at = at < end && bytes[at] === ZERO ? at + 1 : skipDigits(bytes, at, end);
  if (at !== FAULT && at < end && bytes[at] === DOT) at = skipDigits(bytes, at + 1, end);
  if (at !== FAULT && at < end && (bytes[at]! | 0x20) === 0x65) {
    const sign = at + 1 < end ? bytes[at + 1]! : 0;
    at = skipDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1, end);
  }
  return at;
}

function skipWord(bytes: Uint8Array, at: number, end: number, word: Uint8Array): number {
  if (at + word.length > end) return FAULT;
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return FAULT;
  return at + word.length;
}

function skipScalar(bytes: Uint8Array, at: number, end: number): number {
  switch (bytes[at]!) {
    case QUOTE:
      return Math.abs(skipString(bytes, at + 1, end));
    case TRUE[0]:
      return skipWord(bytes, at, end, TRUE);
    case FALSE[0]:
      return skipWord(bytes, at, end, FALSE);
    case NULL[0]:
      return skipWord(bytes, at, end, NULL);
    default:
      return skipNumber(bytes, at, end);
  }
}

/** A member's name, its colon and the space around it: to where its value starts. */
function skipName(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== QUOTE) return FAULT;
  const after = Math.abs(skipString(bytes, at + 1, end));
  return after === FAULT ? FAULT : skipColon(bytes, after, end);
}

/** From after a member's name to where its value starts. */
export function skipColon(bytes: Uint8Array, from: number, end: number): number {
  const at = skipSpace(bytes, from, end);
  return at < end && bytes[at] === COLON ? skipSpace(bytes, at + 1, end) : FAULT;
}

/** The containers open around the current position. One for all calls: none is under way when another begins. */
const open: number[] = [];

/** Skips one value of any kind and depth; `from` is where it starts. */
export function skipValue(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  open.length = 0;
  for (;;) {
    if (at === FAULT || at >= end) return FAULT;
    const byte = bytes[at]!;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      at = skipSpace(bytes, at + 1, end);
      // A container that closes at once is a value like any scalar.
      if (at < end && bytes[at] === closer(byte)) at++;
      else {
        open.push(byte);
        if (byte === OPEN_BRACE) at = skipName(bytes, at, end);
        continue;
      }
    } else at = skipScalar(bytes, at, end);
    if (at === FAULT) return FAULT;
    at = closeContainers(bytes, at, end);
    if (at === FAULT || open.length === 0) return at;
    at = skipSpace(bytes, at + 1, end); // the comma
    if (open[open.length - 1] === OPEN_BRACE) at = skipName(bytes, at, end);
  }
}

/** After a value: closes what closes here, up to a comma (whose position it returns) or until nothing is open. */
function closeContainers(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (open.length > 0) {
    at = skipSpace(bytes, at, end);
    if (at >= end) return FAULT;
    if (bytes[at] === COMMA) return at;
    if (bytes[at] !== closer(open[open.length - 1]!)) return FAULT;
    open.pop();
    at++;
  }
  return at;
}

const closer = (opener: number): number => (opener === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET);
