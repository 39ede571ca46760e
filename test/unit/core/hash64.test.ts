import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash64, murmur3x86x128 } from '../../../src/core/hash64.js';
import { packageRoot } from '../../../src/package-root.js';

interface Vectors {
  seed: number;
  vectors: { text: string; hash: string }[];
}

const vectors = JSON.parse(readFileSync(join(packageRoot, 'test/vectors/hash64.json'), 'utf8')) as Vectors;

const hexOf = (bytes: Uint8Array, start: number, end: number): string => {
  const out = new Uint32Array(4);
  hash64(bytes, start, end, out);
  return out[0]!.toString(16).padStart(8, '0') + out[1]!.toString(16).padStart(8, '0');
};

describe('core/hash64', () => {
  it('passes the verification of SMHasher for MurmurHash3_x86_128', () => {
    // Hashes of {0}, {0,1}, ... with seeds 256, 255, ..., hashed again: the published value is 0xB3ECE62A.
    const key = new Uint8Array(256);
    const hashes = new Uint8Array(256 * 16);
    const view = new DataView(hashes.buffer);
    const out = new Uint32Array(4);
    for (let i = 0; i < 256; i++) {
      key[i] = i;
      murmur3x86x128(key, 0, i, 256 - i, out);
      out.forEach((lane, l) => view.setUint32(i * 16 + l * 4, lane, true));
    }
    murmur3x86x128(hashes, 0, hashes.length, 0, out);
    assert.equal(out[0], 0xb3ece62a);
  });

  it('gives the pinned hashes of another implementation', () => {
    for (const { text, hash } of vectors.vectors) {
      const bytes = new TextEncoder().encode(text);
      assert.equal(hexOf(bytes, 0, bytes.length), hash, text);
    }
  });

  it('reads the range alone, wherever it lies', () => {
    for (const { text, hash } of vectors.vectors) {
      const bytes = new TextEncoder().encode(`\u00ff${text}"rest`);
      assert.equal(hexOf(bytes, 2, bytes.length - 5), hash, text);
    }
  });
});
