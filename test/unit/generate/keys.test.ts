import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CANARY_EVENT_PREFIX, CANARY_USER_ID } from '../../../src/core/ids.js';
import {
  canonicalEventId,
  eventId,
  eventIdPrefix,
  FIRST_CHANGED_KEY,
  FIRST_UNKNOWN_USER,
  MAX_EVENTS,
  MAX_SEED,
  MAX_USERS,
  objectIdRange,
  userId,
  userIdRange,
} from '../../../src/generate/keys.js';

const seeds = fc.integer({ min: 0, max: MAX_SEED });
const userOrdinals = fc.integer({ min: 0, max: 99_999_998 });
const eventOrdinals = fc.integer({ min: 0, max: MAX_EVENTS });

describe('generate/keys', () => {
  it('keeps every user id within the range of its seed, below the canary', () => {
    fc.assert(
      fc.property(seeds, userOrdinals, (seed, ordinal) => {
        const id = BigInt(userId(seed, ordinal));
        const { from, to } = userIdRange(seed);
        assert.ok(BigInt(from) <= id && id < BigInt(to) && id < BigInt(CANARY_USER_ID));
      }),
    );
  });

  it('gives neighbouring seeds ranges that meet and do not overlap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_SEED - 1 }), (seed) => {
        assert.equal(userIdRange(seed).to, userIdRange(seed + 1).from);
      }),
    );
  });

  it('keeps inserted, changed and unknown users apart', () => {
    assert.ok(MAX_USERS <= FIRST_CHANGED_KEY && FIRST_CHANGED_KEY < FIRST_UNKNOWN_USER);
  });

  it('writes event ids as strings and ObjectIds that belong to the seed', () => {
    fc.assert(
      fc.property(seeds, eventOrdinals, (seed, ordinal) => {
        const id = eventId(seed, ordinal);
        if (typeof id === 'string') {
          assert.ok(id.startsWith(eventIdPrefix(seed)) && !id.startsWith(CANARY_EVENT_PREFIX));
        } else {
          assert.match(id.$oid, /^[0-9a-f]{24}$/);
          const { first, last } = objectIdRange(seed);
          assert.ok(first <= id.$oid && id.$oid <= last);
        }
      }),
    );
    assert.equal(canonicalEventId(eventId(7, 4)), '"evt-7-4"');
    assert.equal(canonicalEventId(eventId(7, 255)), '{"$oid":"0000000774696465000000ff"}');
  });
});
