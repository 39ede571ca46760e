import { WASM_MODULE } from './wasm-module.js';

/** The part of WebAssembly that is used: the types of the language know it in browsers only. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};
type Memory = InstanceType<typeof WebAssembly.Memory>;

type ReadMany = (
  start: number,
  end: number,
  fields: number,
  out: number,
  most: number,
  moved: number,
) => number;

/** What wasm/frame-scan.as and wasm/crc32c.as export; positions are bytes of the memory. */
interface Exports {
  readonly scan: (start: number, end: number, fields: number) => number;
  readonly lines: ReadMany;
  readonly records: ReadMany;
  readonly crc32c: (start: number, end: number, state: number) => number;
}

/** As in wasm/frame-scan.as: where names lie. */
const NAMES_AT = 512;
const NAME_STRIDE = 64;
const NAME = 8;
const PAGE_BYTES = 65_536;
/** What the module may read behind the end of a frame. */
export const SLACK_BYTES = 64;

export const MOST_NAMES = 16;
export const LONGEST_NAME = NAME_STRIDE - NAME - 1;
/** Where the room for frames begins; what lies before is the module's and its caller's. */
export const ROOM_AT = PAGE_BYTES;
/** Before the room and out of the module's way. */
export const ASIDE_AT = 2_048;
export const ASIDE_BYTES = 30_720;

const ENCODER = new TextEncoder();
let compiled: object | undefined;
const memories = new WeakMap<ArrayBufferLike, Memory>();
const scanned = new WeakMap<ArrayBufferLike, ScanMemory>();

/** Memory with room for so many bytes from `ROOM_AT` on; frames in there are scanned where they lie. Collected as any other. */
export function scannable(roomBytes: number): ArrayBuffer {
  const pages = Math.ceil((ROOM_AT + roomBytes + SLACK_BYTES) / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages });
  memories.set(memory.buffer, memory);
  return memory.buffer;
}

/** Scannable memory with the module at work in it. */
export class ScanMemory {
  readonly bytes: Uint8Array;
  /** The whole memory in words, and in numbers of two. */
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly scan: Exports['scan'];
  readonly lines: ReadMany;
  readonly records: ReadMany;
  /** The state of a CRC-32C before the bytes of `[start, end)` to that behind them: -1 at first, and inverted at last. */
  readonly crc32c: Exports['crc32c'];
  #names: readonly string[] | undefined;

  private constructor(memory: Memory) {
    const { buffer } = memory;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    compiled ??= new WebAssembly.Module(Uint8Array.from(atob(WASM_MODULE), (c) => c.charCodeAt(0)));
    const instance = new WebAssembly.Instance(compiled, { env: { memory } });
    const { scan, lines, records, crc32c } = instance.exports as Exports;
    this.scan = scan;
    this.lines = lines;
    this.records = records;
    this.crc32c = crc32c;
  }

  /** The memory these bytes lie in, if `scannable` made it. */
  static of({ buffer }: Uint8Array): ScanMemory | undefined {
    let found = scanned.get(buffer);
    if (found !== undefined) return found;
    const memory = memories.get(buffer);
    if (memory === undefined) return undefined;
    scanned.set(buffer, (found = new ScanMemory(memory)));
    return found;
  }

  static withRoom(roomBytes: number): ScanMemory {
    return ScanMemory.of(new Uint8Array(scannable(roomBytes)))!;
  }

  /** Looks for these members from now on, the time first. At most `MOST_NAMES`, plain and none longer than `LONGEST_NAME`. */
  lookFor(names: readonly string[]): void {
    if (names === this.#names) return;
    this.#names = names;
    names.forEach((name, i) => {
      const at = NAMES_AT + i * NAME_STRIDE;
      const written = ENCODER.encode(`${name}"`);
      this.words[at / 4] = written.length - 1;
      this.bytes.set(written, at + NAME);
    });
  }
}
