import { ROOM_AT, scannable, SLACK_BYTES } from '../core/scan-memory.js';

/** Fetch responses differ by little in size, so buffers of whole mebibytes serve each other's purpose. */
const STEP_BYTES = 1 << 20;
/** Kept for later at most: a reader needs three or four of its responses at a time. */
const KEPT_BYTES = 64 << 20;

/**
 * Large buffers that are used again, in memory where frames can be scanned without copying them. What is not given back is
 * collected like any other memory, so giving back is a matter of speed alone: memory outside the heap makes the collector
 * run in full whenever some megabytes of it are new.
 */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #freeBytes = 0;
  #made = 0;

  /** Buffers that had to be made so far. */
  get made(): number {
    return this.#made;
  }

  /** A buffer of `bytes` bytes, with anything in it. */
  take(bytes: number): Buffer {
    const memory = this.#fitting(bytes) ?? this.#make(bytes);
    this.#lent.add(memory);
    return Buffer.from(memory, ROOM_AT, bytes);
  }

  /** Gives back the buffer that `view` is a part of, if it is one of ours; nobody may look at it from now on. */
  give(view: Buffer): void {
    const memory = view.buffer as ArrayBuffer;
    if (!this.#lent.delete(memory) || this.#freeBytes + memory.byteLength > KEPT_BYTES) return;
    this.#free.push(memory);
    this.#freeBytes += memory.byteLength;
  }

  #fitting(bytes: number): ArrayBuffer | undefined {
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= ROOM_AT + bytes + SLACK_BYTES);
    if (at < 0) return undefined;
    const [memory] = this.#free.splice(at, 1);
    this.#freeBytes -= memory!.byteLength;
    return memory;
  }

  #make(bytes: number): ArrayBuffer {
    this.#made += 1;
    return scannable(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
  }
}
