/** Far below what a record may hold. */
const RECORD_BYTES = 200_000;
/** Records of a journal beyond those that hold all: more of them, and it is written anew. */
const MAX_EXTRA_RECORDS = 60;

/** A piece of a journal to write; null entries say that the record is gone. */
export interface JournalRecord<Entry> {
  readonly key: string;
  readonly entries: readonly Entry[] | null;
}

/**
 * Thousands of small entries that change all the time, kept as few records: what changed is written behind what was written
 * before, a later record wins, and now and then all is written anew and the older records go. The state of a window that
 * is open for minutes is so a multiple of what it holds, whatever happens to it.
 */
export class Journal<Entry> {
  readonly #prefix: string;
  readonly #sizeOf: (entry: Entry) => number;
  /** Of the records that are there. */
  #sequences: number[] = [];
  /** How many there may be before it is asked how many would do. */
  #limit = MAX_EXTRA_RECORDS;

  /** `sizeOf`: about how many bytes an entry takes, far below 200,000. */
  constructor(prefix: string, sizeOf: (entry: Entry) => number) {
    this.#prefix = prefix;
    this.#sizeOf = sizeOf;
  }

  keys(): string[] {
    return this.#sequences.map((sequence) => this.#prefix + String(sequence));
  }

  /** A record of that number is there; called in ascending order. */
  restore(sequence: number): void {
    this.#sequences.push(sequence);
  }

  /** `changed` since the last call; `all` there is. Records to write, those that are gone behind what replaces them. */
  write(changed: readonly Entry[], all: () => readonly Entry[]): JournalRecord<Entry>[] {
    const added = this.#divide(changed);
    if (this.#sequences.length + added.length <= this.#limit) return this.#append(added);
    const whole = this.#divide(all());
    this.#limit = 2 * whole.length + MAX_EXTRA_RECORDS;
    if (this.#sequences.length + added.length <= this.#limit) return this.#append(added);
    const gone = this.keys();
    const next = this.#next;
    this.#sequences = [];
    return [...this.#append(whole, next), ...gone.map((key) => ({ key, entries: null }))];
  }

  get #next(): number {
    return (this.#sequences.at(-1) ?? -1) + 1;
  }

  #append(pieces: readonly (readonly Entry[])[], next = this.#next): JournalRecord<Entry>[] {
    return pieces.map((entries, i) => {
      this.#sequences.push(next + i);
      return { key: this.#prefix + String(next + i), entries };
    });
  }

  #divide(entries: readonly Entry[]): Entry[][] {
    const pieces: Entry[][] = [];
    let bytes = RECORD_BYTES;
    for (const entry of entries) {
      const size = this.#sizeOf(entry);
      if (bytes + size > RECORD_BYTES) {
        pieces.push([]);
        bytes = 0;
      }
      pieces.at(-1)!.push(entry);
      bytes += size;
    }
    return pieces;
  }
}
