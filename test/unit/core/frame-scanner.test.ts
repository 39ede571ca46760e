import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { DEFAULT_FRAME_FORMAT, FrameScanner, type FrameFormat } from '../../../src/core/frame-scanner.js';
import { brokenFrame, validFrame } from './frames.js';

type Outcome = { fault: string } | { ts: number; ids: (string | null)[] };

/** Scans the frame between two other frames, so that a read outside its range would be seen. */
function scan(frame: string | Uint8Array, format: Partial<FrameFormat> = {}): Outcome & { read: number } {
  const scanner = new FrameScanner({ ...DEFAULT_FRAME_FORMAT, ...format });
  const before = Buffer.from('{"ts":1,"uid":"before"}\n');
  const middle = Buffer.from(frame);
  const after = Buffer.from('"}}]0123,"ts":9,"uid":"after"}');
  const all = Buffer.concat([before, middle, after]);
  const fault = scanner.scan(all, before.length, before.length + middle.length);
  const read = scanner.stop - before.length;
  if (fault !== undefined) return { fault, read };
  const ids = scanner.ids.map((id) =>
    id.end > 0 ? Buffer.from(id.bytes.subarray(id.start, id.end)).toString() : null,
  );
  return { ts: scanner.tsSeconds, ids, read };
}

function outcome(frame: string | Uint8Array, format: Partial<FrameFormat> = {}): Outcome {
  const result = scan(frame, format);
  return 'fault' in result ? { fault: result.fault } : { ts: result.ts, ids: result.ids };
}

/** What the scanner must say of an object without names given twice, by way of JSON.parse. */
function reference(frame: Uint8Array, idFields: readonly string[] = ['uid']): Outcome {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(frame).toString());
  } catch {
    return { fault: 'malformed' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { fault: 'malformed' };
  const member = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  const raw = member('ts');
  const isNumberText = typeof raw === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(raw);
  const ts = typeof raw === 'number' || isNumberText ? Number(raw) : Number.NaN;
  if (!Number.isFinite(ts)) return { fault: 'no-ts' };
  const ids = idFields.map((name) => {
    const id = member(name);
    if (typeof id === 'number') return String(id);
    // What is counted are bytes of UTF-8: a lone surrogate has none of its own.
    return typeof id === 'string' && id !== '' ? Buffer.from(id).toString() : null;
  });
  return ids.every((id) => id === null) ? { fault: 'no-id' } : { ts, ids };
}

describe('core/frame-scanner', () => {
  const uid = (text: string): Outcome => ({ ts: 1468244340, ids: [text] });
  const cases: [what: string, frame: string, expected: Outcome][] = [
    ['the plain frame', '{"ts":1468244340,"uid":"ed55"}', uid('ed55')],
    ['any order and space', ' {\t"uid" :\n"ed55" ,\r "ts" : 1468244340 } ', uid('ed55')],
    ['ts as text', '{"ts":"1468244340","uid":"ed55"}', uid('ed55')],
    ['ts with an exponent', '{"ts":1.46824434e9,"uid":"ed55"}', uid('ed55')],
    ['ts with a fraction', '{"ts":1.5,"uid":"u"}', { ts: 1.5, ids: ['u'] }],
    ['ts as text with an exponent', '{"ts":"146824434E+1","uid":"ed55"}', uid('ed55')],
    ['a negative ts', '{"ts":-5,"uid":"u"}', { ts: -5, ids: ['u'] }],
    [
      'a ts of many digits',
      '{"ts":14682443400000000000,"uid":"u"}',
      { ts: 14682443400000000000, ids: ['u'] },
    ],
    ['uid as a number', '{"ts":1468244340,"uid":9007199254740993}', uid('9007199254740993')],
    ['uid as another number', '{"ts":1468244340,"uid":1.0e3}', uid('1000')],
    ['uid as -0', '{"ts":1468244340,"uid":-0}', uid('0')],
    ['uid as -10', '{"ts":1468244340,"uid":-10}', uid('-10')],
    ['escapes in uid', '{"ts":1468244340,"uid":"a\\n\\u00e9\\ud83d\\ude00\\"}"}', uid('a\né😀"}')],
    ['an escaped name', '{"t\\u0073":1468244340,"\\u0075id":"ed55"}', uid('ed55')],
    [
      'decoys further in',
      '{"a":{"ts":1,"uid":"x","b":[{"uid":"y"}]},"c":"\\"ts\\":2","uid":"z","ts":1468244340}',
      uid('z'),
    ],
    ['decoys in strings', '{"x":"{\\"ts\\":1,\\"uid\\":\\"x\\"}","ts":1468244340,"uid":"z"}', uid('z')],
    [
      'names that only begin alike',
      '{"tss":1,"t":2,"uidx":"a","ui":"b","ts":1468244340,"uid":"z"}',
      uid('z'),
    ],
    ['the first of two names', '{"ts":1468244340,"uid":"a","uid":"b"}', uid('a')],
    ['the first of two names, an escape in one', '{"uid":"a","\\u0075id":"b","ts":1468244340}', uid('a')],
    ['the first of two names, though useless', '{"ts":"x","ts":1,"uid":"u"}', { fault: 'no-ts' }],
    [
      'every kind of value',
      '{"a":[],"b":{},"c":[1,-0.5e-7,true,false,null,"",[[{}]]],"ts":1468244340,"uid":"z"}',
      uid('z'),
    ],
    ['a fault behind the last member needed', '{"ts":1468244340,"uid":"z",BROKEN', uid('z')],
    ['nothing', '', { fault: 'malformed' }],
    ['space', '  ', { fault: 'malformed' }],
    ['an array', '[1]', { fault: 'malformed' }],
    ['a number', '17', { fault: 'malformed' }],
    ['an empty object', '{}', { fault: 'no-ts' }],
    ['an empty object and more', '{}x', { fault: 'malformed' }],
    ['no ts', '{"uid":"u"}', { fault: 'no-ts' }],
    ['ts null', '{"ts":null,"uid":"u"}', { fault: 'no-ts' }],
    ['ts too large for a number', '{"ts":1e999,"uid":"u"}', { fault: 'no-ts' }],
    ['ts an ISO time', '{"ts":"2016-07-11T13:39:00Z","uid":"u"}', { fault: 'no-ts' }],
    ['ts an empty text', '{"ts":"","uid":"u"}', { fault: 'no-ts' }],
    ['ts hexadecimal', '{"ts":"0x10","uid":"u"}', { fault: 'no-ts' }],
    ['no uid', '{"ts":1}', { fault: 'no-id' }],
    ['uid null', '{"ts":1,"uid":null}', { fault: 'no-id' }],
    ['uid empty', '{"ts":1,"uid":""}', { fault: 'no-id' }],
    ['uid an object', '{"ts":1,"uid":{"uid":"u"}}', { fault: 'no-id' }],
    ['cut in a string', '{"ts":1,"uid":"u', { fault: 'malformed' }],
    ['cut in a name', '{"ts":1,"ui', { fault: 'malformed' }],
    ['cut after the colon', '{"ts":1,"uid":', { fault: 'malformed' }],
    ['cut in the last number needed', '{"ts":1,"uid":12', { fault: 'malformed' }],
    ['cut in the last time needed', '{"uid":"u","ts":14682', { fault: 'malformed' }],
    ['a letter behind the last number needed', '{"ts":1,"uid":12x}', { fault: 'malformed' }],
    ['a bracket behind the last number needed', '{"uid":"u","ts":12]', { fault: 'malformed' }],
    ['a number, then space', '{"ts":1,"uid":12 ', { ts: 1, ids: ['12'] }],
    ['a number, then a comma', '{"ts":1,"uid":12,', { ts: 1, ids: ['12'] }],
    ['cut in a nested value', '{"a":[{"b":1', { fault: 'malformed' }],
    ['a control character in a string', '{"a":"\u0001","ts":1,"uid":"u"}', { fault: 'malformed' }],
    ['an unknown escape', '{"a":"\\x","ts":1,"uid":"u"}', { fault: 'malformed' }],
    ['a leading zero', '{"ts":01,"uid":"u"}', { fault: 'malformed' }],
    ['a lone minus', '{"a":-,"ts":1,"uid":"u"}', { fault: 'malformed' }],
    ['a trailing comma', '{"ts":1,}', { fault: 'malformed' }],
    ['a wrong closer', '{"a":[1},"ts":1,"uid":"u"}', { fault: 'malformed' }],
    ['a missing colon', '{"a" 1,"ts":1,"uid":"u"}', { fault: 'malformed' }],
    ['a misspelt literal', '{"a":nul,"ts":1,"uid":"u"}', { fault: 'malformed' }],
    ['a byte order mark', '\ufeff{"ts":1,"uid":"u"}', { fault: 'malformed' }],
  ];
  for (const [what, frame, expected] of cases) {
    it(`reads ${what}`, () => assert.deepEqual(outcome(frame), expected));
  }

  it('stops at the last member it needs', () => {
    const frame = `{"ts":1,"uid":"u","rest":"${'x'.repeat(1000)}"}`;
    assert.equal(scan(frame).read, '{"ts":1,"uid":"u"'.length);
    assert.equal(scan(frame, { strict: true }).read, frame.length);
  });

  it('sees faults behind that only when strict', () => {
    const broken: [string, Uint8Array][] = [
      ['syntax', Buffer.from('{"ts":1,"uid":"u",}')],
      ['more after the object', Buffer.from('{"ts":1,"uid":"u"} {}')],
      [
        'encoding',
        Buffer.from([...Buffer.from('{"ts":1,"uid":"u","a":"'), 0xc3, 0x28, ...Buffer.from('"}')]),
      ],
    ];
    for (const [what, frame] of broken) {
      assert.deepEqual(outcome(frame), { ts: 1, ids: ['u'] }, what);
      assert.deepEqual(outcome(frame, { strict: true }), { fault: 'malformed' }, what);
    }
  });

  it('counts several fields at once; a frame needs one of them', () => {
    const idFields = ['uid', 'device'];
    assert.deepEqual(outcome('{"device":7,"ts":1,"uid":"u"}', { idFields }), { ts: 1, ids: ['u', '7'] });
    assert.deepEqual(outcome('{"device":7,"ts":1}', { idFields }), { ts: 1, ids: [null, '7'] });
    assert.deepEqual(outcome('{"ts":1}', { idFields }), { fault: 'no-id' });
    assert.deepEqual(outcome('{"время":1,"кто":"я"}', { tsField: 'время', idFields: ['кто'] }), {
      ts: 1,
      ids: ['я'],
    });
    assert.throws(() => new FrameScanner({ tsField: 'a', idFields: ['a'], strict: false }), RangeError);
  });

  it('goes as deep as memory does', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    assert.deepEqual(outcome(`{"a":${deep},"ts":1,"uid":"u"}`), { ts: 1, ids: ['u'] });
  });

  describe('against JSON.parse', () => {
    it('finds the same in any valid object, strict or not', function () {
      this.timeout(30_000);
      fc.assert(
        fc.property(validFrame, (bytes) => {
          const expected = reference(bytes);
          assert.deepEqual(outcome(bytes), expected);
          assert.deepEqual(outcome(bytes, { strict: true }), expected);
        }),
        { numRuns: 3_000 },
      );
    });

    it('says of broken bytes what JSON.parse says of what it read of them', function () {
      this.timeout(30_000);
      let accepted = 0;
      let refused = 0;
      fc.assert(
        fc.property(brokenFrame, (text) => {
          if (givesTwice(text)) return;
          const strict = asDoubles(outcome(text, { strict: true }));
          assert.deepEqual(strict, asDoubles(isUtf8(text) ? reference(text) : { fault: 'malformed' }));
          const { read } = scan(text);
          const lazy = outcome(text);
          if ('fault' in lazy && lazy.fault === 'malformed') {
            assert.deepEqual(reference(text), lazy);
            refused += 1;
            return;
          }
          // Up to where it stopped, what it accepted is the beginning of a valid object.
          const prefix = Buffer.concat([text.subarray(0, read), Buffer.from('}')]);
          assert.deepEqual(asDoubles(lazy), asDoubles(reference(isValid(text) ? text : prefix)));
          accepted += 1;
        }),
        { numRuns: 6_000 },
      );
      assert.ok(accepted > 200 && refused > 200, `${accepted} accepted, ${refused} refused`);
    });

    /** An edit can make an integer that no double holds, of which JSON.parse tells the nearest; the scanner takes it as it is written. */
    function asDoubles(result: Outcome): Outcome {
      if ('fault' in result) return result;
      const ids = result.ids.map((id) => (id !== null && /^-?\d{16,}$/.test(id) ? String(Number(id)) : id));
      return { ...result, ids };
    }

    function isValid(text: Buffer): boolean {
      try {
        JSON.parse(text.toString());
        return true;
      } catch {
        return false;
      }
    }

    /** An edit can make a name occur twice, where JSON.parse takes the last. */
    function givesTwice(text: Buffer): boolean {
      const names: string[] = [];
      for (const match of text.toString().matchAll(/"((?:[^"\\]|\\.)*)"\s*:/g)) {
        try {
          names.push(JSON.parse(`"${match[1]!}"`) as string);
        } catch {
          // Not a name then; the frame is broken either way.
        }
      }
      return ['ts', 'uid'].some((name) => names.filter((found) => found === name).length > 1);
    }
  });
});
