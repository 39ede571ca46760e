import { PipelineError } from './errors.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Splits JSON text into its records without parsing them, whatever the pieces it arrives in: the members of one array, or
 * objects one after the other (JSON lines). Memory is one record and one piece.
 */
export class JsonRecordSplitter {
  /** Undefined until the first byte that is no space. */
  #isArray: boolean | undefined;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #closed = false;
  #rest: Buffer = Buffer.alloc(0);

  /** The records that end in this piece, each as its bytes. @throws PipelineError `BAD_JSON`. */
  *push(piece: Buffer): Generator<Buffer> {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let start = 0;
    for (let at = this.#rest.length; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
        continue;
      }
      if (this.#isArray === undefined) {
        if (byte <= 0x20) continue;
        if (byte !== OPEN_ARRAY && byte !== OPEN_OBJECT) throw badJson('neither an array nor objects');
        this.#isArray = byte === OPEN_ARRAY;
        if (this.#isArray) {
          start = at + 1;
          continue;
        }
      }
      if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
        if (this.#closed) throw badJson('something follows the array');
        this.#depth++;
      } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
        this.#depth--;
        if (this.#depth < 0) {
          if (!this.#isArray || byte !== CLOSE_ARRAY || this.#closed) throw badJson('a bracket too many');
          this.#closed = true;
          this.#depth = 0;
          yield* record(bytes, start, at);
          start = at + 1;
        } else if (this.#depth === 0 && !this.#isArray) {
          yield* record(bytes, start, at + 1);
          start = at + 1;
        }
      } else if (byte === COMMA && this.#isArray && this.#depth === 0) {
        yield* record(bytes, start, at);
        start = at + 1;
      }
    }
    this.#rest = bytes.subarray(start);
  }

  /** @throws PipelineError `BAD_JSON` when the text ends in the middle. */
  end(): void {
    const isWhole = this.#rest.every((byte) => byte <= 0x20);
    if (this.#inString || this.#depth > 0 || !isWhole || (this.#isArray === true && !this.#closed)) {
      throw badJson('it ends in the middle');
    }
  }
}

function* record(bytes: Buffer, start: number, end: number): Generator<Buffer> {
  let [from, to] = [start, end];
  while (from < to && bytes[from]! <= 0x20) from++;
  while (to > from && bytes[to - 1]! <= 0x20) to--;
  if (to > from) yield bytes.subarray(from, to);
}

const badJson = (what: string): PipelineError =>
  new PipelineError('BAD_JSON', `reading JSON records: ${what}`);
