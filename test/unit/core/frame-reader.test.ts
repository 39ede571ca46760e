import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { FrameReader } from '../../../src/core/frame-reader.js';
import { DEFAULT_FRAME_FORMAT, FrameScanner, type FrameFormat } from '../../../src/core/frame-scanner.js';
import { hash64 } from '../../../src/core/hash64.js';
import { packageRoot } from '../../../src/package-root.js';
import { brokenFrame, validFrame } from './frames.js';

type Outcome = { fault: string } | { atS: number; hashes: (string | null)[] };

const hex = (high: number, low: number): string => `${(high >>> 0).toString(16)}.${(low >>> 0).toString(16)}`;

/** What the scanner and the hash in TypeScript say. */
function expected(frame: Uint8Array, format: FrameFormat): Outcome {
  const scanner = new FrameScanner(format);
  const fault = scanner.scan(frame, 0, frame.length);
  if (fault !== undefined) return { fault };
  const hashes = scanner.ids.map((id) => {
    if (id.end === 0) return null;
    const out = new Uint32Array(4);
    hash64(id.bytes, id.start, id.end, out);
    return hex(out[0]!, out[1]!);
  });
  return { atS: Math.floor(scanner.tsSeconds), hashes };
}

function outcome(reader: FrameReader, fields: number, fault: string | undefined): Outcome {
  if (fault !== undefined) return { fault };
  const hashes = Array.from({ length: fields }, (_, i) =>
    (reader.present & (1 << i)) === 0 ? null : hex(reader.hashes[2 * i]!, reader.hashes[2 * i + 1]!),
  );
  return { atS: reader.atS, hashes };
}

/** What could be mistaken for a part of the frame, right behind it. */
const BEHIND = Buffer.from('"}}]0123,"ts":9,"uid":"after"}');
const ROOM_BYTES = 1 << 17;

/** Reads the frame where it lies in the reader's memory, and from elsewhere. */
function checkBoth(
  frame: Uint8Array,
  format: FrameFormat,
  reader = new FrameReader(format, ROOM_BYTES),
): void {
  const wanted = expected(frame, format);
  const all = Buffer.concat([Buffer.from('{"ts":1,'), frame, BEHIND]);
  const fields = format.idFields.length;
  const far = reader.read(all, 8, 8 + frame.length);
  assert.deepEqual(outcome(reader, fields, far), wanted, 'copied');
  reader.room.set(all, 100);
  const near = reader.read(reader.room, 108, 108 + frame.length);
  assert.deepEqual(outcome(reader, fields, near), wanted, 'in place');
}

describe('core/frame-reader', () => {
  it('says what the scanner and the hash in TypeScript say, of any frame, sound or broken', function () {
    this.timeout(60_000);
    const format = { ...DEFAULT_FRAME_FORMAT, idFields: ['uid', 'UID'] };
    const reader = new FrameReader(format, ROOM_BYTES);
    for (const frames of [validFrame, brokenFrame]) {
      fc.assert(
        fc.property(frames, (frame) => checkBoth(frame, format, reader)),
        { numRuns: 4_000 },
      );
    }
  });

  it('says the same of every way to write what it looks for', function () {
    this.timeout(30_000);
    const reader = new FrameReader(DEFAULT_FRAME_FORMAT, ROOM_BYTES);
    const seconds = [
      '0',
      '1468244340',
      '-1',
      '01',
      '1.5',
      '1e3',
      '123456789012345',
      '1234567890123456',
      '1468244340x',
      'null',
    ];
    const ids = [
      '0',
      '7',
      '-0',
      '-7',
      '007',
      '7x',
      '7]',
      '7\n',
      '1.0',
      '1e3',
      '""',
      '"a"',
      '"é"',
      '"\\u00e9"',
      'true',
      '{}',
      '12345678901234567890',
    ];
    const lengths = Array.from({ length: 70 }, (_, n) => `"${'0123456789abcdef'.repeat(5).slice(0, n)}"`);
    for (const ts of [...seconds, ...seconds.map((text) => `"${text}"`)]) {
      for (const id of [...ids, ...lengths]) {
        for (const frame of [
          `{"ts":${ts},"uid":${id}}`,
          `{"uid":${id},"ts":${ts}`,
          `{"ts":${ts},"uid":${id}`,
          ` { "a" : [ 1 , { } ] , "uid" : ${id} , "ts" : ${ts} , "ts":5 } `,
        ]) {
          checkBoth(Buffer.from(frame), DEFAULT_FRAME_FORMAT, reader);
        }
      }
    }
  });

  it('reads on where what it looks for comes late, deep or not at all', () => {
    const long = 'x'.repeat(5_000);
    const deep = (depth: number): string => `{"a":`.repeat(depth) + '1' + '}'.repeat(depth);
    const frames = [
      `{"a":"${long}","ts":1,"uid":"u"}`,
      // To a reader that is given the first 512 or 4,096 bytes only, this seems whole there.
      ...[512, 4_096].flatMap((head) => [
        `{"ts":1,"uid":"u","b":"${'x'.repeat(head - 26)}"}{`,
        `{"ts":1,"UID":"${'u'.repeat(head - 17)}"}{`,
        `{"b":"${'x'.repeat(head - 40)}","ts":1,"uid":"${'u'.repeat(100)}"}`,
        `{"b":"${'x'.repeat(head - 18)}","ts":1468244340,"uid":"u"}`,
      ]),
      ...[62, 63, 64, 500].map((depth) => `{"a":${deep(depth)},"ts":1,"uid":"u"}`),
      `{"a":1}`,
      `{"ts":1,"uid":"u"} x`,
      `{"uid":"u"}`,
    ];
    const format = { ...DEFAULT_FRAME_FORMAT, idFields: ['uid', 'UID'] };
    for (const frame of frames) checkBoth(Buffer.from(frame), format);
  });

  it('reads fields of any name and number, strict or not', () => {
    const names = Array.from({ length: 20 }, (_, i) => `field${i}`);
    const all = names.map((name, i) => `"${name}":${i}`).join(',');
    for (const strict of [false, true]) {
      for (const idFields of [names, names.slice(0, 15), ['field3', 'n'.repeat(61)], ['поле']]) {
        const frame = Buffer.from(`{${all},"${'n'.repeat(61)}":"long","поле":"я","time":7,"x":}`);
        checkBoth(frame, { tsField: 'time', idFields, strict });
      }
    }
  });

  it('takes no name for another that begins or is written like it', () => {
    const names = ['u', 'ui', 'uid', 'uidx', 'sevenup', 'eightcol', 'nine_cols', 'a"b', 'a\\', 'tab\t', ''];
    const written = [...names.map((name) => JSON.stringify(name)), '"a"b"', '"\\u0075id"'];
    const member = fc
      .tuple(fc.constantFrom(...written), fc.nat(99))
      .map(([name, value]) => `${name}:${value}`);
    const fields = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), fields, fc.nat(20), (members, idFields, cut) => {
        const text = `{"time":7,${members.join(',')}}`;
        const format = { tsField: 'time', idFields, strict: false };
        checkBoth(Buffer.from(text), format);
        checkBoth(Buffer.from(text.slice(0, -cut)), format);
      }),
      { numRuns: 1_500 },
    );
  });

  it('leaves the usual frame to the module', () => {
    const reader = new FrameReader();
    const usual = [
      '{"ts":1468244340,"uid":"0123456789abcdef","rest":0}',
      '{"f0":{"uid":"decoy","ts":1},"f1":"say \\"a\\"\\n\\u00e9","f2":[1,-0.5,1.5e9,null],"uid":7,"ts":"1468244340"}',
    ];
    for (const frame of usual) assert.equal(reader.read(Buffer.from(frame), 0, frame.length), undefined);
    assert.equal(reader.unsure, 0);
    assert.equal(reader.read(Buffer.from('{"ts":1.5,"uid":"u"}'), 0, 20), undefined);
    assert.equal(reader.unsure, 1);
  });

  it('carries the module that its sources compile to', async function () {
    this.timeout(60_000);
    const { wasmModule } = (await import(join(packageRoot, 'scripts/build-wasm.mjs'))) as {
      wasmModule: () => Promise<string>;
    };
    const kept = await readFile(join(packageRoot, 'src/core/wasm-module.ts'), 'utf8');
    assert.equal(await wasmModule(), kept);
  });
});
