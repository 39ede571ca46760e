import { FRAME_SCAN_MODULE } from './frame-scan-module.js';
import { DEFAULT_FRAME_FORMAT, FrameScanner, type FrameFault, type FrameFormat } from './frame-scanner.js';
import { hash64 } from './hash64.js';
import { END, HASHES, PRESENT, SECONDS, START, type PlacedLines } from './packed-lines.js';
import { isBlank } from './scanned-lines.js';

/** The part of WebAssembly that is used: the types of the language know it in browsers only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

/** What wasm/frame-scan.as exports; positions are bytes of its memory. */
interface FrameScan {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void };
  readonly scan: (start: number, end: number, fields: number) => number;
  readonly lines: (start: number, end: number, fields: number, out: number, most: number) => number;
}

/** As in wasm/frame-scan.as: where the last line ended, and where names lie. */
const STOP_AT = 256;
const NAMES_AT = 512;
const NAME_STRIDE = 64;
const NAME = 8;
const LONGEST_NAME = NAME_STRIDE - NAME - 1;
const MOST_FIELDS = 16;
const PAGE_BYTES = 65_536;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Lines read at once: a call costs nothing per line, and what is read of them stays in the cache. */
const MOST_LINES = 512;
/** What the module may read behind the end of a frame. */
const SLACK_BYTES = 64;
/** A frame from elsewhere is copied this far first, then further; when that is not enough, the scanner in TypeScript reads it. */
const HEAD_BYTES = 512;
const MOST_COPIED = 8 * HEAD_BYTES;
const HEAD_AT = PAGE_BYTES - MOST_COPIED - SLACK_BYTES;

const ENCODER = new TextEncoder();
let compiled: object | undefined;

/**
 * Reads frames: the time and the hashes of the counted values. The usual frame is scanned by a WebAssembly module with
 * SIMD, every other one by `FrameScanner`; both give the same where both give something (test/unit/core/frame-reader.test.ts).
 * Lines that lie in `room` are cut and scanned many at a time: `cut`, then `line` for each.
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
  /** How many lines were cut last. */
  count = 0;
  /** Frames that the module was not sure of. */
  unsure = 0;
  /** Memory of the module: frames that lie in it are scanned in place, others are copied first. */
  readonly room: Uint8Array;
  readonly wordsBase = PAGE_BYTES;

  readonly #scanner: FrameScanner;
  readonly #module: FrameScan;
  readonly #memory: Uint8Array;
  /** The whole memory in words, and in numbers of two. */
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  /** Where results of lines begin, and their length, in words. */
  readonly #linesAt: number;
  readonly #lineWords: number;
  /** The bytes last read from, and where they begin in the module's memory; -1 when they are elsewhere. */
  #bytes: Uint8Array;
  #base: number;
  /** Fields that the module looks for: none when it cannot, as it stops early and knows so many plain names. */
  readonly #fields: number;
  readonly #allPresent: number;
  readonly #hash = new Uint32Array(4);
  #source: Uint8Array;

  /** `roomBytes`: size of `room`. @throws RangeError when the fields are not distinct. */
  constructor(format: FrameFormat = DEFAULT_FRAME_FORMAT, roomBytes = 0) {
    this.#scanner = new FrameScanner(format);
    const names = [format.tsField, ...format.idFields].map((name) => ENCODER.encode(name));
    const isFast = !format.strict && names.length <= MOST_FIELDS && names.every(isPlain);
    this.#fields = isFast ? names.length : 0;
    this.#allPresent = 2 ** format.idFields.length - 1;
    this.hashes = new Int32Array(2 * format.idFields.length);
    compiled ??= new WebAssembly.Module(Uint8Array.from(atob(FRAME_SCAN_MODULE), (c) => c.charCodeAt(0)));
    this.#module = new WebAssembly.Instance(compiled).exports as FrameScan;
    const { memory } = this.#module;
    this.#lineWords = HASHES + (isFast ? this.hashes.length : 0);
    const linesAt = PAGE_BYTES + 8 * Math.ceil((roomBytes + SLACK_BYTES) / 8);
    this.#linesAt = linesAt / 4;
    memory.grow(Math.ceil((linesAt + 4 * this.#lineWords * MOST_LINES) / PAGE_BYTES) - 1);
    this.#memory = new Uint8Array(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
    this.#doubles = new Float64Array(memory.buffer);
    this.#bytes = this.#memory;
    this.#base = 0;
    this.room = new Uint8Array(memory.buffer, PAGE_BYTES, roomBytes);
    this.#source = this.room;
    if (!isFast) return;
    names.forEach((name, i) => {
      new DataView(memory.buffer).setUint32(NAMES_AT + i * NAME_STRIDE, name.length, true);
      this.#memory.set([...name, QUOTE], NAMES_AT + i * NAME_STRIDE + NAME);
    });
  }

  /** Reads the frame in `bytes[start, end)`. Returns why it cannot be counted, or undefined when it can. */
  read(bytes: Uint8Array, start: number, end: number): FrameFault | undefined {
    this.#source = bytes;
    this.start = start;
    this.end = end;
    if (this.#fields > 0 && this.#isSure(bytes, start, end)) {
      this.#take(0);
      return undefined;
    }
    return this.#readSlowly(bytes, start, end);
  }

  /** Cuts lines off `room[start, end)`, some hundreds at most. Returns how many; `stop` is where the next one begins. */
  cut(start: number, end: number): number {
    this.#source = this.room;
    this.count = this.#module.lines(
      PAGE_BYTES + start,
      PAGE_BYTES + end,
      this.#fields,
      4 * this.#linesAt,
      MOST_LINES,
    );
    return this.count;
  }

  /** Where the lines last cut end: behind the newline of the last of them. */
  get stop(): number {
    return this.#words[STOP_AT / 4]! - PAGE_BYTES;
  }

  /** The lines last cut, as the module wrote them. */
  get words(): Int32Array | undefined {
    if (this.#fields === 0) return undefined;
    return this.#words.subarray(this.#linesAt, this.#linesAt + this.count * this.#lineWords);
  }

  /** Goes to the i-th of the lines last cut; `start` and `end` leave out its newline. */
  line(i: number): FrameFault | 'blank' | undefined {
    const at = this.#linesAt + i * this.#lineWords;
    const start = this.#words[at + START]! - PAGE_BYTES;
    const end = this.#words[at + END]! - PAGE_BYTES;
    this.start = start;
    this.end = end;
    if (this.#words[at + PRESENT] !== 0) {
      this.#take(at);
      return undefined;
    }
    // The module leaves none present where it is not sure.
    if (isBlank(this.room, start, end)) return 'blank';
    return this.#readSlowly(this.room, start, end);
  }

  bytes(): Uint8Array {
    return this.#source.subarray(this.start, this.end);
  }

  /** Takes over the module's result that lies at this word. */
  #take(at: number): void {
    const words = this.#words;
    const { hashes } = this;
    this.atS = Math.floor(this.#doubles[(at + SECONDS) / 2]!);
    this.present = words[at + PRESENT]!;
    for (let i = 0; i < hashes.length; i++) hashes[i] = words[at + HASHES + i]!;
  }

  #isSure(bytes: Uint8Array, start: number, end: number): boolean {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#base = bytes.buffer === this.#memory.buffer ? bytes.byteOffset : -1;
    }
    const base = this.#base;
    if (base >= 0) return this.#module.scan(base + start, base + end, this.#fields) === 1;
    return this.#isSureOfCopy(bytes, start, end);
  }

  #isSureOfCopy(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    for (let wanted = HEAD_BYTES; wanted <= MOST_COPIED; wanted *= 8) {
      const copied = length < wanted ? length : wanted;
      this.#memory.set(bytes.subarray(start, start + copied), HEAD_AT);
      const isSure = this.#module.scan(HEAD_AT, HEAD_AT + copied, this.#fields) === 1;
      if (copied === length) return isSure;
      // With all fields found it has stopped before the cut; otherwise an object may only seem to end there.
      if (isSure && this.#words[PRESENT] === this.#allPresent) return true;
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
const isPlain = (name: Uint8Array): boolean =>
  name.length <= LONGEST_NAME && name.every((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH);
