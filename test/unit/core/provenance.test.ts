import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeProvenance, encodeProvenance, setProvenanceOffset } from '../../../src/core/provenance.js';

describe('provenance', () => {
  it('is laid out as written down: records of years ago carry it', () => {
    const value = encodeProvenance({
      topicId: '00112233445566778899aabbccddeeff',
      partition: 5,
      offset: 0x1_0000_0002,
      job: 'gap',
    });
    assert.equal(value.toString('hex'), '0100112233445566778899aabbccddeeff000000050000000100000002676170');
  });

  it('comes back as it was, and takes another offset (property)', () => {
    const provenance = fc.record({
      topicId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id).toString('hex')),
      partition: fc.nat(),
      offset: fc.nat(Number.MAX_SAFE_INTEGER),
      job: fc.string({ unit: 'grapheme' }),
    });
    fc.assert(
      fc.property(provenance, fc.nat(Number.MAX_SAFE_INTEGER), (one, offset) => {
        const value = encodeProvenance(one);
        const decoded = decodeProvenance(value);
        assert.deepEqual(decoded, { ...one, job: Buffer.from(one.job).toString() });
        setProvenanceOffset(value, 0, offset);
        assert.equal(decodeProvenance(value)?.offset, offset);
      }),
    );
  });

  it('leaves alone what others put into a header of that name', () => {
    for (const text of ['', 'mine', '\x02'.padEnd(40)])
      assert.equal(decodeProvenance(Buffer.from(text)), undefined);
  });
});
