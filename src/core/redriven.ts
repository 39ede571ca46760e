/** Offsets of one state record: a bit each, 1 KB. */
const BLOCK_OFFSETS = 8_192;
const PREFIX = 'redriven/';

interface StateEntry {
  readonly key: string;
  readonly value: Buffer | null;
}

/** Which offsets of a topic's partitions were redriven, kept in blocks so that only what changed is written. */
export class RedrivenOffsets {
  readonly #blocks = new Map<string, Buffer>();
  readonly #changed = new Set<string>();

  restore(state: Iterable<StateEntry>): void {
    for (const { key, value } of state) {
      if (value !== null && key.startsWith(PREFIX)) this.#blocks.set(key, Buffer.from(value));
    }
  }

  has(partition: number, offset: number): boolean {
    const bit = offset % BLOCK_OFFSETS;
    const byte = this.#blocks.get(blockKey(partition, offset))?.[bit >>> 3] ?? 0;
    return (byte & (1 << (bit & 7))) !== 0;
  }

  add(partition: number, offset: number): void {
    const key = blockKey(partition, offset);
    let block = this.#blocks.get(key);
    if (block === undefined) this.#blocks.set(key, (block = Buffer.alloc(BLOCK_OFFSETS / 8)));
    const bit = offset % BLOCK_OFFSETS;
    block[bit >>> 3]! |= 1 << (bit & 7);
    this.#changed.add(key);
  }

  /** Blocks that changed since the last snapshot; copies, as they go on changing. */
  snapshot(): StateEntry[] {
    const changed = [...this.#changed].map((key) => ({ key, value: Buffer.from(this.#blocks.get(key)!) }));
    this.#changed.clear();
    return changed;
  }
}

const blockKey = (partition: number, offset: number): string =>
  `${PREFIX}${partition}/${Math.floor(offset / BLOCK_OFFSETS)}`;
