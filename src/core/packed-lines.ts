import type { FrameFault } from './frame-scanner.js';
import type { ScannedLines } from './scanned-lines.js';

/**
 * A line in words of 32 bits, as wasm/frame-scan.as writes it: where it lies, its time (a number of two words), what is present, its
 * fault (for the module there is none), its hashes.
 */
export const START = 0;
export const END = 1;
export const SECONDS = 2;
export const PRESENT = 4;
const FAULT = 5;
export const HASHES = 6;

const FAULTS: readonly (FrameFault | 'blank' | undefined)[] = [
  undefined,
  'blank',
  'malformed',
  'no-ts',
  'no-id',
];

/** What `LinePacker` needs of the lines besides. */
export interface PlacedLines extends ScannedLines {
  /** Where the line lies that it was last sent to. */
  readonly start: number;
  readonly end: number;
  /** All lines in words, where there are any; of one that has no present field they say nothing. */
  readonly words: Int32Array | undefined;
  /** How many those are. */
  readonly unsureLines: number;
}

/** Collects what was read of lines in one piece of memory, which can be handed to another thread. */
export class LinePacker {
  readonly #stride: number;
  #words = new Int32Array(0);
  #seconds = new Float64Array(0);
  #count = 0;
  /** The next lines most often need as much as those before. */
  #mostWords = 0;

  constructor(fields: number) {
    this.#stride = HASHES + 2 * fields;
  }

  /** Begins anew, in memory whose lines were read: fresh pages cost more than what is written into them. */
  begin(spent?: Int32Array<ArrayBuffer>): void {
    this.#use(spent ?? new Int32Array(this.#mostWords));
    this.#count = 0;
  }

  /** `base`: where what is 0 to these lines lies, as their `words` have it already. */
  add(lines: PlacedLines, base = 0): void {
    const { count, words: given, unsureLines } = lines;
    const stride = this.#stride;
    const first = this.#count * stride;
    this.#reserve(first + count * stride);
    const words = this.#words;
    // Nearly all lines come as they are wanted: copied at once, they cost next to nothing.
    if (given !== undefined) words.set(given, first);
    let left = given === undefined ? count : unsureLines;
    for (let i = 0, at = first; left > 0; i++, at += stride) {
      if (given !== undefined && words[at + PRESENT] !== 0) continue;
      this.#addSlowly(lines, i, at, base);
      left -= 1;
    }
    this.#count += count;
  }

  #addSlowly(lines: PlacedLines, i: number, at: number, base: number): void {
    const words = this.#words;
    const fault = lines.line(i);
    words[at + START] = lines.start + base;
    words[at + END] = lines.end + base;
    words[at + FAULT] = FAULTS.indexOf(fault);
    if (fault !== undefined) return;
    this.#seconds[(at + SECONDS) / 2] = lines.atS;
    words[at + PRESENT] = lines.present;
    words.set(lines.hashes, at + HASHES);
  }

  /** All lines since it began, for `PackedLines`. The memory is the caller's from now on. */
  take(): { words: Int32Array<ArrayBuffer>; count: number } {
    const taken = { words: this.#words, count: this.#count };
    this.#mostWords = Math.max(this.#mostWords, taken.words.length);
    this.begin(new Int32Array(0));
    return taken;
  }

  #reserve(words: number): void {
    if (words <= this.#words.length) return;
    const larger = new Int32Array(Math.max(words, 2 * this.#words.length));
    larger.set(this.#words);
    this.#use(larger);
  }

  #use(words: Int32Array<ArrayBuffer>): void {
    this.#words = words;
    this.#seconds = new Float64Array(words.buffer);
  }
}

/** The lines `[first, first + count)` of what a `LinePacker` collected. */
export class PackedLines implements ScannedLines {
  readonly count: number;
  readonly hashes: Int32Array;
  atS = 0;
  present = 0;
  readonly #words: Int32Array;
  readonly #seconds: Float64Array;
  readonly #stride: number;
  readonly #first: number;
  readonly #read: (start: number, end: number) => Uint8Array;
  #at = 0;

  /** `read` gives the bytes of what lies in [start, end). */
  constructor(
    words: Int32Array,
    fields: number,
    { first, count }: { readonly first: number; readonly count: number },
    read: (start: number, end: number) => Uint8Array,
  ) {
    this.#words = words;
    this.#seconds = new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
    this.#stride = HASHES + 2 * fields;
    this.#first = first;
    this.count = count;
    this.hashes = new Int32Array(2 * fields);
    this.#read = read;
  }

  line(i: number): FrameFault | 'blank' | undefined {
    const at = (this.#first + i) * this.#stride;
    this.#at = at;
    const words = this.#words;
    const fault = FAULTS[words[at + FAULT]!];
    if (fault !== undefined) return fault;
    this.atS = this.#seconds[(at + SECONDS) / 2]!;
    this.present = words[at + PRESENT]!;
    const { hashes } = this;
    for (let h = 0; h < hashes.length; h++) hashes[h] = words[at + HASHES + h]!;
    return undefined;
  }

  bytes(): Uint8Array {
    return this.#read(this.#words[this.#at + START]!, this.#words[this.#at + END]!);
  }
}
