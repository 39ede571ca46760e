/**
 * The frame scanner of src/core/frame-scanner.ts for the usual case, in AssemblyScript with 128-bit SIMD: finds the wanted
 * top-level members of one JSON object and hashes the counted ones, in the module's own memory. Where it is not sure
 * (escaped names, times that are no plain integers, anything that is not JSON) it says so, and the scanner in
 * TypeScript decides. `npm run build:wasm` makes src/core/wasm-module.ts of it.
 */

// Where settings and the result of a single frame lie. Nothing else is static, so the rest of the memory is the caller's.
// A result: where the frame lies, its time in seconds, a bit for each counted field that has a value (none when the scan
// is not sure), and per field the high and the low half of its hash.
const START: usize = 0; // u32
const END: usize = 4; // u32
const SECONDS: usize = 8; // f64
const PRESENT: usize = 16; // u32
const FAULT: usize = 20; // u32: 0 of a line, for whoever finds one later
const HASHES: usize = 24; // u32 each
/** u32 each: where the first line or record begins that was not read, and how many of those read it is not sure of. */
const STOP_AT: usize = 256;
const UNSURE_AT: usize = 260;
/** Per wanted field, the time first: length of its name as u32, then at NAME the name and its closing quote. */
const NAMES_AT: usize = 512;
const NAME_STRIDE: usize = 64;
const NAME: usize = 8;
/** Names this long are compared in one word, quote included. */
const SHORT_NAME: usize = 7;

const QUOTE: u32 = 0x22;
const COMMA: u32 = 0x2c;
const COLON: u32 = 0x3a;
const BACKSLASH: u32 = 0x5c;
const OPEN_BRACE: u32 = 0x7b;
const CLOSE_BRACE: u32 = 0x7d;
const OPEN_BRACKET: u32 = 0x5b;
const CLOSE_BRACKET: u32 = 0x5d;

/** Deepest nesting followed here: one bit each. */
const MOST_DEPTH: i32 = 63;
/** Digits that a double surely holds. */
const MOST_DIGITS: usize = 15;

const SEED: u32 = 0x74696465;
const C1: u32 = 0x239b961b;
const C2: u32 = 0xab0e9789;
const C3: u32 = 0x38b34ae5;
const C4: u32 = 0xa1e38b93;

/** Set by skipString: the string holds an escape. */
let escaped: bool = false;
/** Where the frame being read is written. */
let result: usize = 0;

/**
 * Reads the lines that end in `[start, end)`, at most `most`, and writes a result for each at `out`, one behind the other,
 * with positions moved by `moved`. Without fields it only cuts. Returns how many. The 16 bytes behind `end` must be readable.
 */
export function lines(start: usize, end: usize, fields: u32, out: usize, most: u32, moved: u32): u32 {
  const stride = HASHES + (<usize>max<u32>(fields, 1) - 1) * 8;
  let from = start;
  let count: u32 = 0;
  let unsure: u32 = 0;
  result = out;
  while (count < most) {
    const newline = findNewline(from, end);
    if (newline == end) break;
    if (!scanFrame(from, newline, fields, moved)) unsure++;
    result += stride;
    count++;
    from = newline + 1;
  }
  store<u32>(STOP_AT, <u32>from);
  store<u32>(UNSURE_AT, unsure);
  return count;
}

/** Set by readVarint: behind the number. */
let varintEnd: usize = 0;

/**
 * Reads records of an uncompressed batch (https://kafka.apache.org/documentation/#record), which lie one behind the other in
 * `[start, end)`, at most `most`: their values are frames. Otherwise as `lines`, but 32 bytes behind `end` must be readable. Returns how many; fewer are there, or one leaves `end`.
 */
export function records(start: usize, end: usize, fields: u32, out: usize, most: u32, moved: u32): u32 {
  const stride = HASHES + (<usize>fields - 1) * 8;
  let from = start;
  let count: u32 = 0;
  let unsure: u32 = 0;
  result = out;
  while (count < most && from < end) {
    const length = readVarint(from);
    const next = varintEnd + <usize>length;
    if (length < 0 || next > end || next < varintEnd) break;
    // Behind the length: attributes, a byte; the time as a difference; the offset as one; the key.
    const keyLength = readVarint(skipVarint(skipVarint(varintEnd + 1)));
    if (varintEnd > next || keyLength > <i32>(next - varintEnd)) break;
    const valueLength = readVarint(varintEnd + <usize>max(keyLength, 0));
    const value = varintEnd;
    const valueEnd = value + <usize>max(valueLength, 0);
    if (valueEnd > next || valueEnd < value) break;
    if (!scanFrame(value, valueEnd, fields, moved)) unsure++;
    result += stride;
    count++;
    from = next;
  }
  store<u32>(STOP_AT, <u32>from);
  store<u32>(UNSURE_AT, unsure);
  return count;
}

/** Writes the result of one of many frames, at `result`. False when it is not sure of it, or has only cut it. */
// @ts-ignore: decorator
@inline
function scanFrame(start: usize, end: usize, fields: u32, moved: u32): bool {
  store<u32>(result + START, <u32>start + moved);
  store<u32>(result + END, <u32>end + moved);
  store<u32>(result + FAULT, 0);
  const isSure = fields != 0 && scanObject(start, end, fields);
  if (!isSure) store<u32>(result + PRESENT, 0);
  return isSure;
}

/** A zigzag number of up to five bytes; sets `varintEnd`. */
// @ts-ignore: decorator
@inline
function readVarint(from: usize): i32 {
  let at = from;
  let bits: u32 = 0;
  let value: u32 = 0;
  let byte: u32;
  do {
    byte = load<u8>(at++);
    value |= (byte & 0x7f) << bits;
    bits += 7;
  } while ((byte & 0x80) != 0 && bits < 35);
  varintEnd = at;
  return <i32>(value >> 1) ^ -(<i32>(value & 1));
}

/** Behind a number of up to ten bytes. */
// @ts-ignore: decorator
@inline
function skipVarint(from: usize): usize {
  let at = from;
  while ((load<u8>(at) & 0x80) != 0 && at - from < 9) at++;
  return at + 1;
}

/** The first newline in `[from, end)`, or `end`. Four vectors at a time: of a frame that is read early, this is most of the work. */
function findNewline(from: usize, end: usize): usize {
  const newlines = i8x16.splat(0x0a);
  let at = from;
  for (; at + 64 <= end; at += 64) {
    const first = i8x16.eq(v128.load(at), newlines);
    const second = i8x16.eq(v128.load(at, 16), newlines);
    const third = i8x16.eq(v128.load(at, 32), newlines);
    const fourth = i8x16.eq(v128.load(at, 48), newlines);
    if (v128.any_true(v128.or(v128.or(first, second), v128.or(third, fourth)))) break;
  }
  for (; at < end; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), newlines));
    if (found != 0) return min(at + ctz(found), end);
  }
  return end;
}

/** Reads the frame in `[start, end)` with `fields` wanted members; its result lies at 0. Returns whether it is sure. The 16 bytes behind `end` must be readable. */
export function scan(start: usize, end: usize, fields: u32): bool {
  result = 0;
  return scanObject(start, end, fields);
}

function scanObject(start: usize, end: usize, fields: u32): bool {
  store<u32>(result + PRESENT, 0);
  let missing: u32 = (1 << fields) - 1;
  let at = skipSpace(start, end);
  if (at >= end || load<u8>(at) != OPEN_BRACE) return false;
  at = skipSpace(at + 1, end);
  while (at < end && load<u8>(at) == QUOTE) {
    const nameAt = at + 1;
    let field = shortField(nameAt, end, fields);
    if (field >= 0) at = nameAt + load<u32>(NAMES_AT + <usize>field * NAME_STRIDE) + 1;
    else {
      at = skipString(nameAt, end);
      if (at == 0 || escaped) return false;
      field = longField(nameAt, at - 1 - nameAt, fields);
    }
    at = skipColon(at, end);
    if (at == 0 || at >= end) return false;
    const bit: u32 = 1 << field;
    if (field < 0 || (missing & bit) == 0) at = skipValue(at, end);
    else {
      missing ^= bit;
      at = field == 0 ? takeSeconds(at, end) : takeId(field - 1, at, end);
      if (at != 0 && missing == 0) return true;
    }
    if (at == 0) return false;
    at = skipSpace(at, end);
    if (at >= end) return false;
    const next: u32 = load<u8>(at);
    // The whole object was read: the time and some of the fields will do.
    if (next == CLOSE_BRACE) {
      return (missing & 1) == 0 && load<u32>(result + PRESENT) != 0 && skipSpace(at + 1, end) == end;
    }
    if (next != COMMA) return false;
    at = skipSpace(at + 1, end);
  }
  return false;
}

/** The wanted field with a short name that is followed by its quote, before `end`; or -1. */
// @ts-ignore: decorator
@inline
function shortField(at: usize, end: usize, fields: u32): i32 {
  for (let field: u32 = 0; field < fields; field++) {
    const name = NAMES_AT + <usize>field * NAME_STRIDE;
    const length: usize = load<u32>(name);
    if (length > SHORT_NAME || at + length >= end) continue;
    if ((load<u64>(at) ^ load<u64>(name, NAME)) << <u64>(8 * (SHORT_NAME - length)) == 0) return field;
  }
  return -1;
}

/** The wanted field with a name too long for `shortField`; or -1. */
function longField(at: usize, length: usize, fields: u32): i32 {
  if (length <= SHORT_NAME) return -1;
  for (let field: u32 = 0; field < fields; field++) {
    const name = NAMES_AT + <usize>field * NAME_STRIDE;
    if (load<u32>(name) != <u32>length) continue;
    let i: usize = 0;
    while (i < length && load<u8>(at + i) == load<u8>(name + i, NAME)) i++;
    if (i == length) return field;
  }
  return -1;
}

/** An integer of seconds, plain or as a string. Returns 0 for any other value. */
function takeSeconds(from: usize, end: usize): usize {
  const isText = load<u8>(from) == QUOTE;
  const start = isText ? from + 1 : from;
  const at = skipDigits(start, end);
  if (at == start || at >= end || at - start > MOST_DIGITS) return 0;
  if (load<u8>(start) == 0x30 && (isText || at - start > 1)) return 0;
  const next: u32 = load<u8>(at);
  if (isText ? next != QUOTE : !endsMember(next)) return 0;
  let value: u64 = 0;
  for (let i = start; i < at; i++) value = value * 10 + load<u8>(i) - 0x30;
  store<f64>(result + SECONDS, <f64>value);
  return isText ? at + 1 : at;
}

/** A string without escapes that is not empty, or an integer. Returns 0 for any other value. */
function takeId(id: u32, from: usize, end: usize): usize {
  let start = from;
  let after: usize;
  let stop: usize;
  if (load<u8>(from) == QUOTE) {
    start = from + 1;
    after = skipString(start, end);
    if (after == 0 || escaped || after == start + 1) return 0;
    stop = after - 1;
  } else {
    after = skipDigits(from, end);
    if (after == from || after >= end) return 0;
    if (load<u8>(from) == 0x30 && after - from > 1) return 0;
    if (!endsMember(load<u8>(after))) return 0;
    stop = after;
  }
  store<u32>(result + PRESENT, load<u32>(result + PRESENT) | (1 << id));
  hash(start, stop, result + HASHES + (<usize>id << 3));
  return after;
}

/** Whether a number ends before this byte: not where a fraction follows, and not where it is cut. */
// @ts-ignore: decorator
@inline
function endsMember(next: u32): bool {
  return next == COMMA || next == CLOSE_BRACE || next == 0x20 || next == 0x0a || next == 0x0d || next == 0x09;
}

// @ts-ignore: decorator
@inline
function skipSpace(from: usize, end: usize): usize {
  let at = from;
  while (at < end) {
    const byte: u32 = load<u8>(at);
    if (byte > 0x20 || (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09)) break;
    at++;
  }
  return at;
}

// @ts-ignore: decorator
@inline
function skipColon(from: usize, end: usize): usize {
  const at = skipSpace(from, end);
  return at < end && load<u8>(at) == COLON ? skipSpace(at + 1, end) : 0;
}

/** From after the opening quote to after the closing one; 0 when it is no string. */
function skipString(from: usize, end: usize): usize {
  const quotes = i8x16.splat(<i8>QUOTE);
  const backslashes = i8x16.splat(<i8>BACKSLASH);
  const spaces = i8x16.splat(0x20);
  escaped = false;
  let at = from;
  while (at < end) {
    const bytes = v128.load(at);
    const stops = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, backslashes)),
        i8x16.lt_u(bytes, spaces),
      ),
    );
    if (stops == 0) {
      at += 16;
      continue;
    }
    at += ctz(stops);
    if (at >= end) return 0;
    const byte: u32 = load<u8>(at);
    if (byte == QUOTE) return at + 1;
    if (byte != BACKSLASH) return 0;
    escaped = true;
    at = skipEscape(at + 1, end);
    if (at == 0) return 0;
  }
  return 0;
}

function skipEscape(at: usize, end: usize): usize {
  if (at >= end) return 0;
  switch (load<u8>(at)) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 1;
    case 0x75:
      if (at + 5 > end) return 0;
      for (let i = at + 1; i < at + 5; i++) if (!isHex(load<u8>(i))) return 0;
      return at + 5;
    default:
      return 0;
  }
}

// @ts-ignore: decorator
@inline
function isHex(byte: u32): bool {
  return byte - 0x30 < 10 || (byte | 0x20) - 0x61 < 6;
}

// @ts-ignore: decorator
@inline
function skipDigits(from: usize, end: usize): usize {
  let at = from;
  while (at < end && <u32>load<u8>(at) - 0x30 < 10) at++;
  return at;
}

function skipNumber(from: usize, end: usize): usize {
  let at = load<u8>(from) == 0x2d ? from + 1 : from;
  let start = at;
  at = at < end && load<u8>(at) == 0x30 ? at + 1 : skipDigits(at, end);
  if (at == start) return 0;
  if (at < end && load<u8>(at) == 0x2e) {
    start = at + 1;
    at = skipDigits(start, end);
    if (at == start) return 0;
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    start = at + 1;
    if (start < end && (load<u8>(start) == 0x2b || load<u8>(start) == 0x2d)) start++;
    at = skipDigits(start, end);
    if (at == start) return 0;
  }
  return at;
}

function skipScalar(at: usize, end: usize): usize {
  switch (load<u8>(at)) {
    case 0x22:
      return skipString(at + 1, end);
    case 0x74: // true, little-endian
      return at + 4 <= end && load<u32>(at) == 0x65757274 ? at + 4 : 0;
    case 0x6e: // null
      return at + 4 <= end && load<u32>(at) == 0x6c6c756e ? at + 4 : 0;
    case 0x66: // f, then alse
      return at + 5 <= end && load<u32>(at, 1) == 0x65736c61 ? at + 5 : 0;
    default:
      return skipNumber(at, end);
  }
}

function skipName(at: usize, end: usize): usize {
  if (at >= end || load<u8>(at) != QUOTE) return 0;
  const after = skipString(at + 1, end);
  return after == 0 ? 0 : skipColon(after, end);
}

/** One value of any kind; `depth` lowest bits of `open` say which of the containers around it are objects. */
function skipValue(from: usize, end: usize): usize {
  let at = from;
  let open: u64 = 0;
  let depth: i32 = 0;
  while (true) {
    if (at == 0 || at >= end) return 0;
    const byte: u32 = load<u8>(at);
    if (byte == OPEN_BRACE || byte == OPEN_BRACKET) {
      at = skipSpace(at + 1, end);
      if (at < end && load<u8>(at) == byte + 2) at++;
      else {
        if (depth == MOST_DEPTH) return 0;
        const isObject = byte == OPEN_BRACE;
        open = (open << 1) | (isObject ? 1 : 0);
        depth++;
        if (isObject) at = skipName(at, end);
        continue;
      }
    } else at = skipScalar(at, end);
    if (at == 0) return 0;
    while (true) {
      if (depth == 0) return at;
      at = skipSpace(at, end);
      if (at >= end) return 0;
      const next: u32 = load<u8>(at);
      const isObject = (open & 1) == 1;
      if (next == COMMA) {
        at = skipSpace(at + 1, end);
        if (isObject) at = skipName(at, end);
        break;
      }
      if (next != (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return 0;
      open >>= 1;
      depth--;
      at++;
    }
  }
}

// @ts-ignore: decorator
@inline
function mix1(k: u32): u32 {
  return rotl<u32>(k * C1, 15) * C2;
}
// @ts-ignore: decorator
@inline
function mix2(k: u32): u32 {
  return rotl<u32>(k * C2, 16) * C3;
}
// @ts-ignore: decorator
@inline
function mix3(k: u32): u32 {
  return rotl<u32>(k * C3, 17) * C4;
}
// @ts-ignore: decorator
@inline
function mix4(k: u32): u32 {
  return rotl<u32>(k * C4, 18) * C1;
}

// @ts-ignore: decorator
@inline
function finalMix(value: u32): u32 {
  let h = (value ^ (value >> 16)) * 0x85ebca6b;
  h = (h ^ (h >> 13)) * 0xc2b2ae35;
  return h ^ (h >> 16);
}

/** Little-endian word of the bytes of `[at, end)`, at most four; absent bytes are zero. */
// @ts-ignore: decorator
@inline
function tailWord(at: usize, end: usize): u32 {
  if (at >= end) return 0;
  const left = end - at;
  const word = load<u32>(at);
  return left >= 4 ? word : word & ((1 << (<u32>left << 3)) - 1);
}

/** src/core/hash64.ts: the first 64 bits of MurmurHash3_x86_128 of `[start, end)`, high half first. */
function hash(start: usize, end: usize, out: usize): void {
  let h1 = SEED;
  let h2 = SEED;
  let h3 = SEED;
  let h4 = SEED;
  let at = start;
  for (; at + 16 <= end; at += 16) {
    h1 = (rotl<u32>(h1 ^ mix1(load<u32>(at)), 19) + h2) * 5 + 0x561ccd1b;
    h2 = (rotl<u32>(h2 ^ mix2(load<u32>(at, 4)), 17) + h3) * 5 + 0x0bcaa747;
    h3 = (rotl<u32>(h3 ^ mix3(load<u32>(at, 8)), 15) + h4) * 5 + 0x96cd1c35;
    h4 = (rotl<u32>(h4 ^ mix4(load<u32>(at, 12)), 13) + h1) * 5 + 0x32ac3b17;
  }
  // A zero word leaves its lane as it is, so the tail needs no switch over its length.
  if (at < end) {
    h1 ^= mix1(tailWord(at, end));
    h2 ^= mix2(tailWord(at + 4, end));
    h3 ^= mix3(tailWord(at + 8, end));
    h4 ^= mix4(tailWord(at + 12, end));
  }
  const length: u32 = <u32>(end - start);
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 += h2 + h3 + h4;
  h2 += h1;
  h3 += h1;
  h4 += h1;
  h1 = finalMix(h1);
  h2 = finalMix(h2);
  h1 += h2 + finalMix(h3) + finalMix(h4);
  store<u32>(out, h1);
  store<u32>(out, h2 + h1, 4);
}
