import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MultisetDigest, RecordHasher } from '../../../src/core/multiset-digest.js';

interface Member {
  readonly content: string;
  readonly headers: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
}

const members = fc.array(
  fc.record({
    content: fc.string({ maxLength: 40 }),
    headers: fc.string({ maxLength: 10 }),
    partition: fc.nat(5),
    offset: fc.nat(1_000),
    timestampMs: fc.nat(1_000_000),
  }),
  { minLength: 1, maxLength: 30 },
);

function digestOf(all: readonly Member[]): string {
  const digest = new MultisetDigest();
  const hasher = new RecordHasher();
  const range = (text: string) => {
    const bytes = Buffer.from(text);
    return { bytes, start: 0, end: bytes.length };
  };
  for (const member of all) {
    hasher.hash(range(member.content), range(member.headers), member, member.timestampMs);
    digest.add(hasher.lanes);
  }
  return `${String(digest.members)}:${digest.toString()}`;
}

describe('digest of a multiset of records', () => {
  it('does not depend on the order', () => {
    fc.assert(
      fc.property(members, (all) => {
        assert.equal(digestOf([...all].reverse()), digestOf(all));
      }),
    );
  });
  it('differs when a record is missing, doubled or changed in any part', () => {
    fc.assert(
      fc.property(members, fc.nat(), (all, which) => {
        const at = which % all.length;
        const one = all[at];
        assert.ok(one);
        const others = all.filter((_, index) => index !== at);
        const changed: Member[] = [
          { ...one, content: `${one.content}.` },
          { ...one, headers: `${one.headers}.` },
          { ...one, content: one.headers, headers: `${one.content}x` },
          { ...one, partition: one.partition + 1 },
          { ...one, offset: one.offset + 1 },
          { ...one, timestampMs: one.timestampMs + 1 },
        ];
        const digests = [others, [...all, one], ...changed.map((other) => [...others, other])].map(digestOf);
        assert.ok(!digests.includes(digestOf(all)));
      }),
    );
  });
});
