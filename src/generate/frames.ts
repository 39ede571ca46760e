import { PipelineError } from '../core/errors.js';
import { DEFAULT_TIME_RULES } from '../core/watermark.js';
import { ExactCounter, type ExactCount } from './frames-answer.js';
import { frameTemplates, type FrameTemplate } from './frames-template.js';
import { Random } from './random.js';

/** What `generate frames` makes. */
export interface FrameOptions {
  readonly seed: number;
  readonly frames: number;
  /** Users of the population; every one has a frame when there are enough frames. */
  readonly users: number;
  /** Bytes of a frame on average, the newline included. */
  readonly bytes: number;
  /** Unix second of the first frame. */
  readonly fromS: number;
  /** Frames per second of event time. */
  readonly perSecond: number;
  /** Share of sound frames later than the watermark waits for (5 s), and by how much at most, in seconds. */
  readonly lateShare: number;
  readonly lateS: number;
  /** Frames with one bit of `ts` flipped so that it lies outside of what a counter may accept. The answer leaves them out. */
  readonly flips: number;
  /** Frames with one of the low bits flipped, which nobody can tell from a right one. The answer counts them where they say. */
  readonly flipsInside: number;
  /** Frames that are not JSON, are cut, or lack `uid` or `ts`. The answer leaves them out. */
  readonly malformed: number;
}

export const FRAME_DEFAULTS: FrameOptions = {
  seed: 1,
  frames: 1_000_000,
  users: 99_993,
  bytes: 2_078,
  // 2016-07-11T13:39:00Z
  fromS: 1_468_244_340,
  perSecond: 1_000,
  lateShare: 0.001,
  lateS: 60,
  flips: 0,
  flipsInside: 0,
  malformed: 0,
};

/** Bytes are handed over in pieces of about this size, or smaller ones. */
const PIECE_BYTES = 1 << 20;
/** Ordinary frames are this late at most: within what the watermark waits for. */
const JITTER_S = 2;
/** A flip of bit 13 (8,192 s) or higher is outside; of bit 11 (2,048 s) or lower, inside. */
const OUTSIDE_BITS = [13, 31] as const;
const INSIDE_BITS = [0, 11] as const;
const SOUND = 0;
const MALFORMED = 1;
const FLIPPED_OUTSIDE = 2;
const FLIPPED_INSIDE = 3;
const HEX = Array.from({ length: 16 }, (_, digit) => '0123456789abcdef'.charCodeAt(digit));
const UID_NAME = Buffer.from('"uid":"');
const TS_NAME = Buffer.from('"ts":');
const COMMA = 0x2c;
const QUOTE = 0x22;

/** One piece of the stream, valid until the next is asked for, and the windows that are complete by its end. */
export interface FramePiece {
  readonly bytes: Buffer;
  readonly frames: number;
  readonly answers: readonly ExactCount[];
}

/** @throws PipelineError `BAD_OPTIONS` naming every fault. */
export function checkFrameOptions(options: FrameOptions): void {
  const faults: string[] = [];
  const whole = (name: keyof FrameOptions, from: number, to = Number.MAX_SAFE_INTEGER): void => {
    const value = options[name];
    if (!Number.isInteger(value) || value < from || value > to)
      faults.push(`${name}: a whole number of [${from}, ${to}]`);
  };
  whole('frames', 0);
  whole('users', 1, 2 ** 31);
  whole('bytes', 43, 1_000_000);
  // Ten digits, so that a frame's size does not depend on its time, and 32 bits to flip.
  whole('fromS', 1_000_000_000, 4_000_000_000);
  whole('lateS', 0, DEFAULT_TIME_RULES.latenessS);
  whole('flips', 0);
  whole('flipsInside', 0);
  whole('malformed', 0);
  if (options.flips + options.flipsInside + options.malformed > options.frames) {
    faults.push('flips and malformed: no more than there are frames');
  }
  if (!(options.perSecond > 0)) faults.push('perSecond: more than 0');
  if (!(options.lateShare >= 0 && options.lateShare <= 1)) faults.push('lateShare: a number of [0, 1]');
  if (options.fromS + options.frames / options.perSecond >= 2 ** 32)
    faults.push('the last frame: before the year 2106');
  if (faults.length > 0) throw new PipelineError('BAD_OPTIONS', `generating frames: ${faults.join('; ')}`);
}

/**
 * Makes frames in order of arrival, and the exact answer to them: the same for the same options on any machine. Pieces are of
 * `mostFrames` at most.
 */
export function* generateFrames(
  options: FrameOptions,
  mostFrames = Number.POSITIVE_INFINITY,
): Generator<FramePiece> {
  checkFrameOptions(options);
  const { frames, perSecond, fromS } = options;
  const templates = frameTemplates(options.bytes, options.seed);
  const random = Random.of(options.seed, 2);
  const faults = faultsOf(options);
  const counter = new ExactCounter(options.users);
  const piece = new FrameWriter(Buffer.allocUnsafeSlow(PIECE_BYTES + 4 * options.bytes + 1024));
  let inPiece = 0;
  for (let i = 0; i < frames; i++) {
    const arrivalS = fromS + i / perSecond;
    const user = userOf(i, options, random);
    const fault = isTurn(i, faults.length, frames) ? faults[turnOf(i, faults.length, frames)] : SOUND;
    // One fault at a time: a late frame that a flip makes later still would be outside, one that it brings forward inside.
    const delayS = delayOf(fault === SOUND ? options : { ...options, lateShare: 0 }, random);
    const atS = Math.max(fromS, Math.floor(arrivalS - delayS));
    const template = templates[random.int(0, templates.length)]!;
    inPiece += 1;
    if (fault === MALFORMED) piece.malformed(template, user, atS, random);
    else if (fault === FLIPPED_OUTSIDE) piece.frame(template, user, flip(atS, random, OUTSIDE_BITS));
    else {
      const saysS = fault === FLIPPED_INSIDE ? flip(atS, random, INSIDE_BITS) : atS;
      piece.frame(template, user, saysS);
      counter.add(saysS, user);
    }
    if (piece.length < PIECE_BYTES && inPiece < mostFrames) continue;
    // What lateness or a flip may still reach back to stays open.
    yield {
      bytes: piece.take(),
      frames: inPiece,
      answers: counter.close(arrivalS - 3 * DEFAULT_TIME_RULES.latenessS),
    };
    inPiece = 0;
  }
  yield { bytes: piece.take(), frames: inPiece, answers: counter.close(Number.POSITIVE_INFINITY) };
}

/** Which of `count` turns, spread evenly over `total` frames, the frame is in. */
const turnOf = (i: number, count: number, total: number): number => Math.floor((i * count) / total);

/** Whether the frame is the last of its turn: true for exactly `count` of `total` frames. */
const isTurn = (i: number, count: number, total: number): boolean =>
  turnOf(i, count, total) !== Math.floor(((i + 1) * count) / total);

/** The faults to make, in the order they are made: as many of each kind as asked for, mixed. */
function faultsOf({ seed, malformed, flips, flipsInside }: FrameOptions): Uint8Array {
  const faults = new Uint8Array(malformed + flips + flipsInside).fill(FLIPPED_INSIDE);
  faults.fill(MALFORMED, 0, malformed).fill(FLIPPED_OUTSIDE, malformed, malformed + flips);
  const random = Random.of(seed, 3);
  for (let i = faults.length - 1; i > 0; i--) {
    const j = random.int(0, i + 1);
    [faults[i], faults[j]] = [faults[j]!, faults[i]!];
  }
  return faults;
}

/** Every user once, spread over the stream; all other frames are of users drawn by chance. */
function userOf(i: number, { users, frames }: FrameOptions, random: Random): number {
  const drawn = random.int(0, users);
  return frames >= users && isTurn(i, users, frames) ? turnOf(i, users, frames) : drawn;
}

function delayOf({ lateShare, lateS }: FrameOptions, random: Random): number {
  const fraction = random.fraction();
  return random.chance(lateShare) ? fraction * lateS : fraction * fraction * JITTER_S;
}

const flip = (atS: number, random: Random, [from, to]: readonly [number, number]): number =>
  (atS ^ (1 << random.int(from, to + 1))) >>> 0;

/** Writes frames into one buffer. */
class FrameWriter {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get length(): number {
    return this.#at;
  }

  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#at);
    this.#at = 0;
    return bytes;
  }

  frame({ before, after, isTsFirst, isTsText }: FrameTemplate, user: number, atS: number): void {
    this.#copy(before);
    if (isTsFirst) this.#ts(atS, isTsText);
    else this.#uid(user);
    this.#byte(COMMA);
    if (isTsFirst) this.#uid(user);
    else this.#ts(atS, isTsText);
    this.#copy(after);
  }

  malformed(template: FrameTemplate, user: number, atS: number, random: Random): void {
    const kind = random.int(0, 4);
    if (kind === 0) this.#copy(Buffer.from('not a frame\n'));
    else if (kind === 1) this.#copy(Buffer.from(`{"ts":${atS},"uid":null}\n`));
    else if (kind === 2) this.#copy(Buffer.from(`{"uid":"${uidText(user)}","ts":"noon"}\n`));
    else {
      const start = this.#at;
      this.frame(template, user, atS);
      // Cut within the first of the two members.
      this.#at = start + template.before.length + random.int(1, 6);
      this.#byte(0x0a);
    }
  }

  #copy(bytes: Buffer): void {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #byte(byte: number): void {
    this.#buffer[this.#at++] = byte;
  }

  #uid(user: number): void {
    this.#copy(UID_NAME);
    this.#hex(secondHalf(user));
    this.#hex(firstHalf(user));
    this.#byte(QUOTE);
  }

  #hex(word: number): void {
    for (let shift = 28; shift >= 0; shift -= 4) this.#byte(HEX[(word >>> shift) & 15]!);
  }

  #ts(atS: number, isText: boolean): void {
    this.#copy(TS_NAME);
    if (isText) this.#byte(QUOTE);
    const digits = String(atS);
    for (let i = 0; i < digits.length; i++) this.#byte(digits.charCodeAt(i));
    if (isText) this.#byte(QUOTE);
  }
}

/** Sixteen hexadecimal digits; two users never share them, since the second half is a permutation of 32 bits. */
export const uidText = (user: number): string =>
  [secondHalf(user), firstHalf(user)].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');

const firstHalf = (user: number): number => Math.imul(user ^ 0x5bd1_e995, 0x9e37_79b1) ^ 0x27d4_eb2f;
const secondHalf = (user: number): number => Math.imul(user + 0x1656_67b1, 0x85eb_ca6b) ^ (user >>> 7);
