/** A set of offsets of `[startOffset, endOffset)`: a bit each, so that a million take 125 kB. */
export class OffsetSet {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly #bits: Uint8Array;

  constructor(startOffset: number, endOffset: number) {
    this.startOffset = startOffset;
    this.endOffset = endOffset;
    this.#bits = new Uint8Array(Math.ceil(Math.max(0, endOffset - startOffset) / 8));
  }

  /** Offsets outside the range are left out. */
  add(offset: number): void {
    if (offset < this.startOffset || offset >= this.endOffset) return;
    const at = offset - this.startOffset;
    this.#bits[Math.floor(at / 8)]! |= 1 << (at % 8);
  }

  has(offset: number): boolean {
    if (offset < this.startOffset || offset >= this.endOffset) return false;
    const at = offset - this.startOffset;
    return (this.#bits[Math.floor(at / 8)]! & (1 << (at % 8))) !== 0;
  }
}
