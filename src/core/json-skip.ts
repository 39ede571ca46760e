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
/** In ASCII a closing brace or bracket comes two after its opener. */
const CLOSER_AFTER_OPENER = 2;
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
const ZERO_TO_NINE = byteSet('0123456789');
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
/** What follows the first letter of a word, as one number. */
const RUE = 0x72_75_65;
const ULL = 0x75_6c_6c;
const ALS = 0x61_6c_73;
const LOWER_E = 0x65;

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
  const isHex = HEX[bytes[at + 1]!]! & HEX[bytes[at + 2]!]! & HEX[bytes[at + 3]!]! & HEX[bytes[at + 4]!]!;
  return isHex === 1 ? at + 5 : FAULT;
}

/** Passes at least one digit. */
function skipDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && ZERO_TO_NINE[bytes[at]!] === 1) at++;
  return at === from ? FAULT : at;
}

export function skipNumber(bytes: Uint8Array, from: number, end: number): number {
  let at = bytes[from] === MINUS ? from + 1 : from;
  at = at < end && bytes[at] === ZERO ? at + 1 : skipDigits(bytes, at, end);
  if (at === FAULT || at >= end) return at;
  // An integer, nearly always: whatever may follow it is no letter and no dot.
  if (bytes[at] === DOT || (bytes[at]! | 0x20) === LOWER_E) return skipFraction(bytes, at, end);
  return at;
}

/** From where an integer ended to after its fraction and exponent. */
function skipFraction(bytes: Uint8Array, from: number, end: number): number {
  let at = bytes[from] === DOT ? skipDigits(bytes, from + 1, end) : from;
  if (at !== FAULT && at < end && (bytes[at]! | 0x20) === LOWER_E) {
    const sign = at + 1 < end ? bytes[at + 1]! : 0;
    at = skipDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1, end);
  }
  return at;
}

/** `true`, `false` or `null`, of which `first` is the letter at `at`. */
function skipWord(bytes: Uint8Array, at: number, end: number, first: number): number {
  if (at + 4 > end) return FAULT;
  const rest = (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  if (first === LOWER_F) return rest === ALS && at + 5 <= end && bytes[at + 4] === LOWER_E ? at + 5 : FAULT;
  return rest === (first === LOWER_T ? RUE : ULL) ? at + 4 : FAULT;
}

function skipScalar(bytes: Uint8Array, at: number, end: number, first: number): number {
  if (first === QUOTE) {
    const after = skipString(bytes, at + 1, end);
    return after < 0 ? -after : after;
  }
  if (first === LOWER_T || first === LOWER_F || first === LOWER_N) return skipWord(bytes, at, end, first);
  return skipNumber(bytes, at, end);
}

/** A member's name, its colon and the space around it: to where its value starts. */
function skipName(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== QUOTE) return FAULT;
  const after = skipString(bytes, at + 1, end);
  return after === FAULT ? FAULT : skipColon(bytes, after < 0 ? -after : after, end);
}

/** From after a member's name to where its value starts. */
export function skipColon(bytes: Uint8Array, from: number, end: number): number {
  const at = skipSpace(bytes, from, end);
  return at < end && bytes[at] === COLON ? skipSpace(bytes, at + 1, end) : FAULT;
}

/** The openers of the containers around the current position. One for all calls: none is under way when another begins. */
let open = new Uint8Array(64);

function pushOpener(depth: number, opener: number): void {
  if (depth === open.length) {
    const larger = new Uint8Array(2 * depth);
    larger.set(open);
    open = larger;
  }
  open[depth] = opener;
}

/** Skips one value of any kind and depth; `from` is where it starts. */
export function skipValue(bytes: Uint8Array, from: number, end: number): number {
  if (from === FAULT || from >= end) return FAULT;
  const first = bytes[from]!;
  return first === OPEN_BRACE || first === OPEN_BRACKET
    ? skipContainer(bytes, from, end)
    : skipScalar(bytes, from, end, first);
}

/** Skips the object or array that starts at `from`. */
function skipContainer(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (let depth = 0; ;) {
    if (at === FAULT || at >= end) return FAULT;
    const byte = bytes[at]!;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      at = skipSpace(bytes, at + 1, end);
      // A container that closes at once is a value like any scalar.
      if (at < end && bytes[at] === byte + CLOSER_AFTER_OPENER) at++;
      else {
        pushOpener(depth++, byte);
        if (byte === OPEN_BRACE) at = skipName(bytes, at, end);
        continue;
      }
    } else at = skipScalar(bytes, at, end, byte);
    if (at === FAULT) return FAULT;
    // After a value: close what closes here, up to a comma or until nothing is open.
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(bytes, at, end);
      if (at >= end) return FAULT;
      const next = bytes[at]!;
      const opener = open[depth - 1]!;
      if (next === COMMA) {
        at = skipSpace(bytes, at + 1, end);
        if (opener === OPEN_BRACE) at = skipName(bytes, at, end);
        break;
      }
      if (next !== opener + CLOSER_AFTER_OPENER) return FAULT;
      depth--;
      at++;
    }
  }
}
