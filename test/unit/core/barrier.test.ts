import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  describeUnread,
  laterPositions,
  lsnToDecimal,
  postgresProducedPast,
  unreadPartitions,
} from '../../../src/core/barrier.js';
import type { ConnectorOffset } from '../../../src/messages.js';

describe('core/barrier', () => {
  describe('lsnToDecimal', () => {
    it('reads the two halves as one 64-bit number', () => {
      assert.equal(lsnToDecimal('0/0'), '0');
      assert.equal(lsnToDecimal('16/B374D848'), '97500059720');
      assert.equal(lsnToDecimal('FFFFFFFF/FFFFFFFF'), '18446744073709551615');
    });

    it('is the inverse of the text form', () => {
      fc.assert(
        fc.property(fc.bigInt(0n, (1n << 64n) - 1n), (lsn) => {
          const text = `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();
          assert.equal(lsnToDecimal(text), lsn.toString());
        }),
      );
    });

    for (const text of ['', '16', '16/', '/16', '16/B374D8480', 'x/1', '1/2/3', ' 1/2']) {
      it(`refuses "${text}"`, () => assert.throws(() => lsnToDecimal(text), RangeError));
    }
  });

  describe('postgresProducedPast', () => {
    const rows: [string, ConnectorOffset | null, boolean][] = [
      ['no offset yet', null, false],
      ['an event before', { lsn: 99 }, false],
      ['an event at the position', { lsn: 100 }, true],
      ['an event past it', { lsn: 101 }, true],
      ['a commit past it', { lsn: 50, lsn_commit: 100 }, true],
      ['a heartbeat past it', { lsn: 50, lsn_commit: 50, lsn_proc: 100 }, true],
      ['decimal text', { lsn: '100' }, true],
      ['text that is no number', { lsn: '16/64' }, false],
      ['a snapshot under way', { lsn: 500, snapshot: 'INITIAL' }, false],
      ['a snapshot under way, of older versions', { lsn: 500, initsync: true }, false],
      ['a snapshot that is over', { lsn: 500, snapshot: 'false' }, true],
      ['a snapshot that is over, as a boolean', { lsn: 500, snapshot: false }, true],
      ['nothing that it knows', { position: 500 }, false],
      ['a number that JSON has rounded', { lsn: 2 ** 53 }, false],
    ];
    for (const [what, offset, past] of rows) {
      it(`${what}: ${past ? 'past' : 'not past'}`, () =>
        assert.equal(postgresProducedPast(offset, '100'), past));
    }
  });

  describe('unreadPartitions', () => {
    const ends = { users: { 0: '5', 1: '0' }, events: { 0: '10', 1: '7', 2: '3' } };

    it('is empty when the group has committed every end, or past it', () => {
      const committed = { users: { 0: '5' }, events: { 0: '11', 1: '7', 2: '3' } };
      assert.deepEqual(unreadPartitions(ends, committed), []);
    });

    it('gives what lies between, from 0 where the group never committed', () => {
      assert.deepEqual(unreadPartitions(ends, { events: { 0: '10', 1: '6' } }), [
        { topic: 'users', partition: 0, committed: '0', end: '5' },
        { topic: 'events', partition: 1, committed: '6', end: '7' },
        { topic: 'events', partition: 2, committed: '0', end: '3' },
      ]);
    });

    it('compares as numbers, not as text, above 2^53 too', () => {
      assert.deepEqual(unreadPartitions({ t: { 0: '10' } }, { t: { 0: '9' } }).length, 1);
      assert.deepEqual(
        unreadPartitions({ t: { 0: '9007199254740993' } }, { t: { 0: '9007199254740992' } }).length,
        1,
      );
    });
  });

  const positions = fc.dictionary(
    fc.constantFrom('users', 'events'),
    fc.dictionary(fc.constantFrom('0', '1', '2'), fc.bigInt(0n, 1n << 62n).map(String)),
  );

  it('laterPositions keeps the larger offset of every partition of both', () => {
    fc.assert(
      fc.property(positions, positions, (one, other) => {
        const merged = laterPositions(one, other);
        for (const topic of new Set([...Object.keys(one), ...Object.keys(other)])) {
          const partitions = new Set([...Object.keys(one[topic] ?? {}), ...Object.keys(other[topic] ?? {})]);
          assert.deepEqual(new Set(Object.keys(merged[topic] ?? {})), partitions);
          for (const partition of partitions) {
            const both = [one[topic]?.[partition], other[topic]?.[partition]].filter(
              (offset) => offset !== undefined,
            );
            const larger = both.map(BigInt).reduce((a, b) => (a > b ? a : b));
            assert.equal(merged[topic]?.[partition], larger.toString());
          }
        }
        // Nobody who has read up to the merged positions is behind either.
        assert.deepEqual(unreadPartitions(one, merged).concat(unreadPartitions(other, merged)), []);
      }),
    );
  });

  it('describes what is unread by who has to read it', () => {
    const unread = [
      { topic: 'events', partition: 2, committed: '3', end: '9' },
      { topic: 'other', partition: 0, committed: '0', end: '1' },
    ];
    assert.equal(
      describeUnread(unread, { events: 'tidemark.kafka_events' }),
      'tidemark.kafka_events to read events/2 up to 9 (it is at 3), the consumer to read other/0 up to 1 (it is at 0)',
    );
  });
});
