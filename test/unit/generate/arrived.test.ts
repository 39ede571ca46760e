import assert from 'node:assert/strict';
import { arrivedEvent } from '../../../src/generate/arrived.js';
import { canonicalEventId, eventId } from '../../../src/generate/keys.js';
import { payloadDigest } from '../../../src/generate/payload-digest.js';

describe('generate/arrived', () => {
  it('gives the answer of an event whatever the spaces and the order of members in its extended JSON', () => {
    const payload = { b: [1, 'ü "q"'], a: { c: null, d: 12.25 } };
    const arrived = {
      event_id: '{"$oid": "000000017469646500000003"}',
      user_id: '9007199254740993',
      event_type: 'search',
      ts: '1794614400000',
      payload: '{"a": {"d": 12.25, "c": null}, "b": [1, "\\u00fc \\"q\\""]}',
    };
    assert.deepEqual(arrivedEvent(arrived), {
      event_id: canonicalEventId(eventId(1, 3)),
      user_id: '9007199254740993',
      event_type: 'search',
      ts: 1_794_614_400_000,
      payload: payloadDigest(payload),
    });
    assert.equal(
      arrivedEvent({ ...arrived, event_id: '"evt-1-4"' }).event_id,
      canonicalEventId(eventId(1, 4)),
    );
  });

  it('refuses what is not JSON', () => {
    const event = { event_id: 'evt', user_id: '1', event_type: '', ts: 0, payload: '{}' };
    assert.throws(() => arrivedEvent(event), SyntaxError);
    assert.throws(() => arrivedEvent({ ...event, event_id: '"evt"', payload: '' }), SyntaxError);
  });
});
