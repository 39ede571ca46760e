import assert from 'node:assert/strict';
import { crc32c as library } from '@node-rs/crc32';
import fc from 'fast-check';
import { ROOM_AT, scannable } from '../../../src/core/scan-memory.js';
import { crc32c } from '../../../src/stream/crc32c.js';

const ROOM_BYTES = 4 << 20;

describe('stream/crc32c', () => {
  const room = Buffer.from(scannable(ROOM_BYTES), ROOM_AT, ROOM_BYTES);
  for (let i = 0, state = 1; i < room.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    room[i] = state >>> 24;
  }

  it('gives the values of RFC 3720, appendix B.4', () => {
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
    assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
    assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i))), 0x113fdb5c);
  });

  it('gives what a library gives, for any length and place, in scannable memory and elsewhere', () => {
    const lengths = fc.oneof(fc.nat(100), fc.nat(70_000), fc.nat(3 << 20));
    fc.assert(
      fc.property(fc.nat(200_000), lengths, (start, length) => {
        const message = room.subarray(start, start + length);
        const elsewhere = Buffer.from(message);
        const expected = library(elsewhere);
        return crc32c(message) === expected && crc32c(elsewhere) === expected;
      }),
      { numRuns: 300 },
    );
  });

  it('gives it for all lengths about those where messages are shortened', () => {
    for (let length = 6_600; length < 6_800; length++) {
      const message = room.subarray(5, 5 + length);
      assert.equal(crc32c(message), library(Buffer.from(message)), `${length} bytes`);
    }
  });

  it('sees every bit that is flipped', () => {
    const message = room.subarray(11, 11 + 100_000);
    const right = crc32c(message);
    for (let bit = 0; bit < 8 * message.length; bit += 8_191) {
      message[bit >> 3]! ^= 1 << (bit & 7);
      assert.notEqual(crc32c(message), right, `bit ${bit}`);
      message[bit >> 3]! ^= 1 << (bit & 7);
    }
    assert.equal(crc32c(message), right);
  });
});
