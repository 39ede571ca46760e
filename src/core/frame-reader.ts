import { DEFAULT_FRAME_FORMAT, FrameScanner, type FrameFault, type FrameFormat } from './frame-scanner.js';
import { hash64 } from './hash64.js';
import { END, HASHES, PRESENT, SECONDS, START, type PlacedLines } from './packed-lines.js';
import {
  ASIDE_AT,
  ASIDE_BYTES,
  LONGEST_NAME,
  MOST_NAMES,
  ROOM_AT,
  ScanMemory,
  SLACK_BYTES,
} from './scan-memory.js';
import { isBlank } from './scanned-lines.js';

/** As in wasm/frame-scan.as: where the last line or record ended, and how many of them it was not sure of. */
const STOP_AT = 256;
const UNSURE_AT = 260;
const ENCODER = new TextEncoder();
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Lines read at once: a call costs nothing per line, and what is read of them stays in the cache. */
const MOST_LINES = 512;
/** A frame from elsewhere is copied this far first, then further; when that is not enough, the scanner in TypeScript reads it. */
const HEAD_BYTES = 512;
const MOST_COPIED = 8 * HEAD_BYTES;

/**
 * Reads frames: the time and the hashes of the counted values. The usual frame is scanned by a WebAssembly module with
 * SIMD, every other one by `FrameScanner`; both give the same where both give something (test/unit/core/frame-reader.test.ts).
 * A frame in scannable memory is read where it lies, another one is copied first. Lines that lie in `room`, and records that lie in
 * scannable memory, are cut and scanned many at a time: `cut` or `records`, then `line` for each.
 *
 * One reader serves one thread; its fields hold the last frame's values until the next call.
 */
export class FrameReader implements PlacedLines {
  atS = 0;
  readonly hashes: Int32Array;
  present = 0;
  /** Where the frame last read lies: in `room` one of the lines that were cut. */
  start = 0;
  end = 0;
  /** How many lines or records were cut last. */
  count = 0;
  /** Frames that the module was not sure of. */
  unsure = 0;
  /** Scannable memory of this reader's own. */
  readonly room: Uint8Array;

  readonly #scanner: FrameScanner;
  readonly #own: ScanMemory;
  /** Where results of lines begin in it, and the length of one, in words. */
  readonly #linesAt: number;
  readonly #lineWords: number;
  /** The memory of what was cut last, where results begin in it, in words, and where what it was cut from does. */
  #cut: ScanMemory;
  #cutSource: Uint8Array;
  #cutAt = 0;
  #cutFrom = ROOM_AT;
  /** What positions in results are ahead by. */
  #cutBase = 0;
  /** Members that the module looks for: none when it cannot, as it stops early and knows so many plain names. */
  readonly #names: readonly string[];
  readonly #allPresent: number;
  readonly #hash = new Uint32Array(4);
  /** The bytes last read from, the memory they are scanned in, and where they begin there; -1 when they have to be copied. */
  #bytes: Uint8Array;
  #memory: ScanMemory;
  #base = 0;
  #source: Uint8Array;

  /** `roomBytes`: size of `room`. @throws RangeError when the fields are not distinct. */
  constructor(format: FrameFormat = DEFAULT_FRAME_FORMAT, roomBytes = 0) {
    this.#scanner = new FrameScanner(format);
    const names = [format.tsField, ...format.idFields];
    const isFast = !format.strict && names.length <= MOST_NAMES && names.every(isPlain);
    this.#names = isFast ? names : [];
    this.#allPresent = 2 ** format.idFields.length - 1;
    this.hashes = new Int32Array(2 * format.idFields.length);
    this.#lineWords = HASHES + (isFast ? this.hashes.length : 0);
    const linesAt = 8 * Math.ceil((roomBytes + SLACK_BYTES) / 8);
    this.#linesAt = (ROOM_AT + linesAt) / 4;
    this.#own = ScanMemory.withRoom(roomBytes === 0 ? 0 : linesAt + 4 * this.#lineWords * MOST_LINES);
    this.#own.lookFor(this.#names);
    this.room = this.#own.bytes.subarray(ROOM_AT, ROOM_AT + roomBytes);
    this.#cut = this.#own;
    this.#cutSource = this.room;
    this.#memory = this.#own;
    this.#bytes = this.#own.bytes;
    this.#source = this.room;
  }

  /** Reads the frame in `bytes[start, end)`. Returns why it cannot be counted, or undefined when it can. */
  read(bytes: Uint8Array, start: number, end: number): FrameFault | undefined {
    this.#source = bytes;
    this.start = start;
    this.end = end;
    if (this.#names.length > 0 && this.#isSure(bytes, start, end)) {
      this.#take(this.#memory, 0);
      return undefined;
    }
    return this.#readSlowly(bytes, start, end);
  }

  /**
   * Cuts lines off `room[start, end)`, some hundreds at most. Returns how many; `stop` is where the next one begins. `base`:
   * what lies where the room begins, for the positions in `words`.
   */
  cut(start: number, end: number, base = 0): number {
    this.#cutSource = this.room;
    this.#cut = this.#own;
    this.#cutAt = this.#linesAt;
    this.#cutFrom = ROOM_AT;
    this.#cutBase = base;
    this.count = this.#own.lines(
      ROOM_AT + start,
      ROOM_AT + end,
      this.#names.length,
      4 * this.#linesAt,
      MOST_LINES,
      base - ROOM_AT,
    );
    return this.count;
  }

  /**
   * Cuts records of Kafka's off `bytes[start, end)`, where they lie one behind the other (of a batch v2 that is not compressed),
   * some hundreds at most: their values are frames, and a `line` each. Returns how many; 0 where they cannot be read like that.
   */
  records(bytes: Uint8Array, start: number, end: number, most: number): number {
    this.count = 0;
    if (this.#names.length === 0) return 0;
    if (bytes !== this.#bytes) this.#turnTo(bytes);
    const base = this.#base;
    if (base < 0) return 0;
    this.#cutSource = bytes;
    this.#cut = this.#memory;
    this.#cutAt = ASIDE_AT / 4;
    this.#cutFrom = base;
    this.#cutBase = 0;
    const room = Math.floor(ASIDE_BYTES / 4 / this.#lineWords);
    this.count = this.#memory.records(
      base + start,
      base + end,
      this.#names.length,
      ASIDE_AT,
      Math.min(most, room),
      -base,
    );
    return this.count;
  }

  /** Where the next one begins, behind the lines or records last cut. */
  get stop(): number {
    return this.#cut.words[STOP_AT / 4]! - this.#cutFrom;
  }

  /** Of what was last cut those that say nothing in `words`. */
  get unsureLines(): number {
    return this.#cut.words[UNSURE_AT / 4]!;
  }

  /** What was last cut, as the module wrote it. */
  get words(): Int32Array | undefined {
    if (this.#names.length === 0) return undefined;
    return this.#cut.words.subarray(this.#cutAt, this.#cutAt + this.count * this.#lineWords);
  }

  /** Goes to the i-th of the lines or records last cut; `start` and `end` leave out a line's newline. */
  line(i: number): FrameFault | 'blank' | undefined {
    const at = this.#cutAt + i * this.#lineWords;
    const { words } = this.#cut;
    const start = words[at + START]! - this.#cutBase;
    const end = words[at + END]! - this.#cutBase;
    const bytes = this.#cutSource;
    this.#source = bytes;
    this.start = start;
    this.end = end;
    if (words[at + PRESENT] !== 0) {
      this.#take(this.#cut, at);
      return undefined;
    }
    // The module leaves none present where it is not sure.
    if (bytes === this.room && isBlank(bytes, start, end)) return 'blank';
    return this.#readSlowly(bytes, start, end);
  }

  bytes(): Uint8Array {
    return this.#source.subarray(this.start, this.end);
  }

  /** Takes over the module's result that lies at this word. */
  #take({ words, doubles }: ScanMemory, at: number): void {
    const { hashes } = this;
    this.atS = Math.floor(doubles[(at + SECONDS) / 2]!);
    this.present = words[at + PRESENT]!;
    for (let i = 0; i < hashes.length; i++) hashes[i] = words[at + HASHES + i]!;
  }

  #isSure(bytes: Uint8Array, start: number, end: number): boolean {
    if (bytes !== this.#bytes) this.#turnTo(bytes);
    const base = this.#base;
    if (base < 0) return this.#isSureOfCopy(bytes, start, end);
    return this.#memory.scan(base + start, base + end, this.#names.length) === 1;
  }

  #turnTo(bytes: Uint8Array): void {
    const memory = ScanMemory.of(bytes);
    this.#bytes = bytes;
    this.#memory = memory ?? this.#own;
    this.#base = memory === undefined ? -1 : bytes.byteOffset;
    memory?.lookFor(this.#names);
  }

  #isSureOfCopy(bytes: Uint8Array, start: number, end: number): boolean {
    const memory = this.#own;
    const length = end - start;
    for (let wanted = HEAD_BYTES; wanted <= MOST_COPIED; wanted *= 8) {
      const copied = length < wanted ? length : wanted;
      memory.bytes.set(bytes.subarray(start, start + copied), ASIDE_AT);
      const isSure = memory.scan(ASIDE_AT, ASIDE_AT + copied, this.#names.length) === 1;
      if (copied === length) return isSure;
      // With all fields found it has stopped before the cut; otherwise an object may only seem to end there.
      if (isSure && memory.words[PRESENT] === this.#allPresent) return true;
    }
    return false;
  }

  #readSlowly(bytes: Uint8Array, start: number, end: number): FrameFault | undefined {
    this.unsure += 1;
    const scanner = this.#scanner;
    const fault = scanner.scan(bytes, start, end);
    if (fault !== undefined) return fault;
    this.atS = Math.floor(scanner.tsSeconds);
    this.present = 0;
    scanner.ids.forEach((id, i) => {
      if (id.end === 0) return;
      hash64(id.bytes, id.start, id.end, this.#hash);
      this.hashes[2 * i] = this.#hash[0]!;
      this.hashes[2 * i + 1] = this.#hash[1]!;
      this.present |= 1 << i;
    });
    return undefined;
  }
}

/** Whether a name is written in JSON as it is, and is no longer than the module can keep. */
function isPlain(name: string): boolean {
  const bytes = ENCODER.encode(name);
  return (
    bytes.length <= LONGEST_NAME &&
    bytes.every((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH)
  );
}
