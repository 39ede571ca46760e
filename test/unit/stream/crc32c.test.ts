import assert from 'node:assert/strict';
import { crc32c as library } from '@node-rs/crc32';
import fc from 'fast-check';
import { LEAST_SHORTENED, ROOM_AT, scannable, ScanMemory } from '../../../src/core/scan-memory.js';
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

  it('gives what the library gives, for any length and place in scannable memory', () => {
    const anywhere = fc.tuple(fc.nat(200_000), fc.oneof(fc.nat(70_000), fc.nat(3 << 20)));
    fc.assert(
      fc.property(anywhere, ([start, length]) => {
        const message = room.subarray(start, start + length);
        return crc32c(message) === library(Buffer.from(message));
      }),
      { numRuns: 300 },
    );
  });

  it('shortens to a message of the same remainder at any length from the least on', () => {
    const memory = ScanMemory.of(room)!;
    for (let length = LEAST_SHORTENED; length < LEAST_SHORTENED + 20_000; length += 37) {
      const short = memory.shortened(ROOM_AT + 5, ROOM_AT + 5 + length);
      assert.ok(short.length <= length && short.length < LEAST_SHORTENED + 64);
      assert.equal(library(short, 0xffff_ffff), library(Buffer.from(room.subarray(5, 5 + length))));
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
