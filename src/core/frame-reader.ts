import { FRAME_SCAN_MODULE } from './frame-scan-module.js';
import { DEFAULT_FRAME_FORMAT, FrameScanner, type FrameFault, type FrameFormat } from './frame-scanner.js';
import { hash64 } from './hash64.js';

/** The part of WebAssembly that is used: the types of the language know it in browsers only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

/** What wasm/frame-scan.as exports; positions are bytes of its memory. */
interface FrameScan {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void };
  readonly scan: (start: number, end: number, fields: number) => number;
}

/** As in wasm/frame-scan.as: where results and names lie, and how long a name may be. */
const PRESENT_WORD = 2;
const HASHES_AT = 64;
const NAMES_AT = 512;
const NAME_STRIDE = 64;
const LONGEST_NAME = NAME_STRIDE - 4;
const MOST_FIELDS = 16;
const PAGE_BYTES = 65_536;
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
 *
 * One reader serves one thread; its fields hold the last frame's values until the next call.
 */
export class FrameReader {
  /** Unix time in whole seconds, rounded down. */
  atS = 0;
  /**
   * High and low half of the hash of each counted field, in the order of `idFields`; of those in `present`. Signed, since
   * such numbers need no memory of their own.
   */
  readonly hashes: Int32Array;
  /** Bit i: the frame has a value of the i-th counted field. */
  present = 0;
  /** Frames that the module was not sure of. */
  unsure = 0;
  /** Memory of the module: frames that lie in it are scanned in place, others are copied first. */
  readonly room: Uint8Array;

  readonly #scanner: FrameScanner;
  readonly #scan: FrameScan['scan'];
  readonly #seconds: Float64Array;
  readonly #words: Uint32Array;
  readonly #memory: Uint8Array;
  /** The bytes last read from, and where they begin in the module's memory; -1 when they are elsewhere. */
  #bytes: Uint8Array;
  #base: number;
  readonly #fields: number;
  readonly #allPresent: number;
  /** The module stops early, knows so many fields and names of a certain length. */
  readonly #isFast: boolean;
  readonly #hash = new Uint32Array(4);

  /** `roomBytes`: size of `room`. @throws RangeError when the fields are not distinct. */
  constructor(format: FrameFormat = DEFAULT_FRAME_FORMAT, roomBytes = 0) {
    this.#scanner = new FrameScanner(format);
    const names = [format.tsField, ...format.idFields].map((name) => ENCODER.encode(name));
    this.#fields = names.length;
    this.#allPresent = 2 ** format.idFields.length - 1;
    this.#isFast =
      !format.strict && names.length <= MOST_FIELDS && names.every(({ length }) => length <= LONGEST_NAME);
    compiled ??= new WebAssembly.Module(Uint8Array.from(atob(FRAME_SCAN_MODULE), (c) => c.charCodeAt(0)));
    const { memory, scan } = new WebAssembly.Instance(compiled).exports as FrameScan;
    this.#scan = scan;
    memory.grow(Math.ceil((roomBytes + SLACK_BYTES) / PAGE_BYTES));
    this.#memory = new Uint8Array(memory.buffer);
    this.#bytes = this.#memory;
    this.#base = 0;
    this.#words = new Uint32Array(memory.buffer, 0, NAMES_AT / 4);
    this.#seconds = new Float64Array(memory.buffer, 0, 1);
    this.room = new Uint8Array(memory.buffer, PAGE_BYTES, roomBytes);
    this.hashes = this.#isFast
      ? new Int32Array(memory.buffer, HASHES_AT, 2 * format.idFields.length)
      : new Int32Array(2 * format.idFields.length);
    if (!this.#isFast) return;
    names.forEach((name, i) => {
      new DataView(memory.buffer).setUint32(NAMES_AT + i * NAME_STRIDE, name.length, true);
      this.#memory.set(name, NAMES_AT + i * NAME_STRIDE + 4);
    });
  }

  /** Reads the frame in `bytes[start, end)`. Returns why it cannot be counted, or undefined when it can. */
  read(bytes: Uint8Array, start: number, end: number): FrameFault | undefined {
    if (this.#isFast && this.#isSure(bytes, start, end)) {
      this.atS = Math.floor(this.#seconds[0]!);
      this.present = this.#words[PRESENT_WORD]!;
      return undefined;
    }
    return this.#readSlowly(bytes, start, end);
  }

  #isSure(bytes: Uint8Array, start: number, end: number): boolean {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#base = bytes.buffer === this.#memory.buffer ? bytes.byteOffset : -1;
    }
    const base = this.#base;
    if (base >= 0) return this.#scan(base + start, base + end, this.#fields) === 1;
    return this.#isSureOfCopy(bytes, start, end);
  }

  #isSureOfCopy(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    for (let wanted = HEAD_BYTES; wanted <= MOST_COPIED; wanted *= 8) {
      const copied = length < wanted ? length : wanted;
      this.#memory.set(bytes.subarray(start, start + copied), HEAD_AT);
      const isSure = this.#scan(HEAD_AT, HEAD_AT + copied, this.#fields) === 1;
      if (copied === length) return isSure;
      // With all fields found it has stopped before the cut; otherwise an object may only seem to end there.
      if (isSure && this.#words[PRESENT_WORD] === this.#allPresent) return true;
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
