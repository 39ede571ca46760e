import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Binary, Decimal128, Int32, Long, MaxKey, ObjectId, Timestamp } from 'mongodb';
import {
  eventKey,
  eventText,
  idJson,
  idText,
  normalised,
  silverEvent,
  strictJson,
  type SilverEvent,
} from '../../../src/core/events-content.js';

const ts = new Date('2024-03-05T12:00:00.001Z');
const event = (fields: object) => silverEvent({ _id: 1, ts, ...fields });

describe("an event's content", () => {
  const integers: [unknown, string | null][] = [
    [5, '5'],
    [new Int32(-5), '-5'],
    ['17', '17'],
    ['+17', '17'],
    ['007', '7'],
    [' 5', null],
    ['5.0', null],
    [5.5, null],
    [1e18, '1000000000000000000'],
    [1e21, null],
    [Long.MAX_VALUE, '9223372036854775807'],
    ['9223372036854775808', null],
    [Long.MIN_VALUE, '-9223372036854775808'],
    [Decimal128.fromString('5'), null],
    [{ $numberLong: 5 }, null],
    ['{"$numberLong":"6"}', '6'],
    ['{not json', null],
    [[1], null],
    [true, null],
    [null, null],
    [undefined, null],
  ];
  for (const [value, expected] of integers) {
    it(`has of the user id ${strictJson(value)} what silver keeps`, () => {
      assert.equal(event({ user_id: value })?.userId, expected);
    });
  }

  it('has texts as they are, and JSON of anything else', () => {
    const of = (event_type: unknown) => event({ event_type })?.eventType;
    assert.deepEqual(
      [of('login'), of(undefined), of(null), of(7), of({ a: [1] }), of(false)],
      ['login', '', '', '7', '{"a":[1]}', 'false'],
    );
  });

  it('is none without a time that has a day in silver', () => {
    for (const time of [
      undefined,
      null,
      'yesterday',
      0,
      new Date(NaN),
      new Date(-1),
      new Date('2149-06-06'),
    ]) {
      assert.equal(event({ ts: time }), undefined);
    }
    assert.equal(event({ ts: new Date('2149-06-05T23:59:59.999Z') })?.tsMs, Date.UTC(2149, 5, 6) - 1);
  });

  const written: [unknown, string][] = [
    [new ObjectId('65f000000000000000000001'), '{"$oid":"65f000000000000000000001"}'],
    [Long.fromNumber(5), '{"$numberLong":"5"}'],
    [new Date(7), '{"$date":7}'],
    [Decimal128.fromString('1.50'), '{"$numberDecimal":"1.50"}'],
    [new Binary(Buffer.from([0, 255])), '{"$binary":"AP8=","$type":"00"}'],
    [new Timestamp({ t: 1, i: 2 }), '{"$timestamp":{"t":1,"i":2}}'],
    [new MaxKey(), '{"$maxKey":1}'],
    [[1e21, 1.5e-7, -0, 5.0, 1e20], '[1e21,1.5e-7,-0,5,100000000000000000000]'],
    ['\u001f\u2028"/<é\u007f\n', '"\\u001F\\u2028\\"/<é\u007f\\n"'],
    [{ b: undefined, a: null }, '{"b":{"$undefined":true},"a":null}'],
  ];
  for (const [value, expected] of written) {
    it(`is written ${expected.slice(0, 40)}`, () => assert.equal(strictJson(value), expected));
  }

  it('writes plain JSON so that it reads back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // Not by way of JSON.stringify, which writes -0 as 0.
        assert.deepEqual(JSON.parse(strictJson(value)), structuredClone(value));
      }),
    );
  });

  it('is the same whatever the order of members, and another as soon as one value is', () => {
    const of = (payload: unknown): string => normalised('2024-03-05', event({ payload })!);
    assert.equal(of({ a: 1, b: [2, { c: 3, d: 4 }] }), of({ b: [2, { d: 4, c: 3 }], a: 1 }));
    assert.notEqual(of({ a: 1 }), of({ a: '1' }));
    assert.notEqual(of([1, 2]), of([2, 1]));
  });

  it('has a text that no other event has', () => {
    const one = fc.record({
      userId: fc.constantFrom(null, '1', '12'),
      eventType: fc.string({ unit: fc.constantFrom('1', ' ', '-', 'é') }),
      tsMs: fc.constantFrom(0, 1, 86_400_000),
      payload: fc.string({ unit: fc.constantFrom('1', ' ', '-') }),
    });
    const id = fc.string({ unit: fc.constantFrom('1', ' ', '-', 'é') });
    const both = (key: string, value: SilverEvent) => JSON.stringify([key, value]);
    fc.assert(
      fc.property(id, one, id, one, (a, x, b, y) => {
        assert.equal(eventText(a, x) === eventText(b, y), both(a, x) === both(b, y));
      }),
      { numRuns: 2_000 },
    );
  });

  it('measures texts in bytes of UTF-8', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(text, (eventType) => {
        const event: SilverEvent = { userId: null, eventType, tsMs: 0, payload: '' };
        const length = Buffer.byteLength(eventType, 'utf8');
        assert.equal(eventText('i', event), `1 i 1970-01-01 - ${length} ${eventType} 0 `);
      }),
    );
  });

  it('is called by its identity, whatever the spaces and escapes', () => {
    assert.equal(
      eventKey('{"$oid": "65f000000000000000000001"}'),
      strictJson(new ObjectId('65f000000000000000000001')),
    );
    assert.equal(eventKey('"\\u00e9"'), JSON.stringify('é'));
    assert.equal(eventKey(idJson(Long.MAX_VALUE)), '9223372036854775807');
    assert.deepEqual(
      [
        idText('a'),
        idText(new ObjectId('65f000000000000000000001')),
        idText(new Int32(5)),
        idText(Long.fromNumber(5)),
      ],
      ['sa', 'o65f000000000000000000001', 'j5', 'j5'],
    );
  });
});
