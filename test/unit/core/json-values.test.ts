import assert from 'node:assert/strict';
import fc from 'fast-check';
import { JsonRecordSplitter } from '../../../src/core/json-values.js';

function split(text: string, pieceBytes = 1_000): unknown[] {
  const bytes = Buffer.from(text);
  const splitter = new JsonRecordSplitter();
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    // The pieces' memory may be used again after each push: records are read at once.
    for (const record of splitter.push(Buffer.from(bytes.subarray(at, at + pieceBytes)))) {
      found.push(JSON.parse(record.toString('utf8')));
    }
  }
  splitter.end();
  return found;
}

const pieces = fc.integer({ min: 1, max: 40 });

describe('splitting JSON text into records', () => {
  it('gives the members of any array as JSON.parse does, whatever the pieces and the spaces', () => {
    const spaces = fc.constantFrom(undefined, 1, '\t');
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), spaces, pieces, (values, space, pieceBytes) => {
        const text = JSON.stringify(values, undefined, space);
        assert.deepEqual(split(text, pieceBytes), JSON.parse(text));
      }),
    );
  });
  it('gives objects that follow each other', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), pieces, (values, pieceBytes) => {
        const texts = values.map((value) => JSON.stringify(value));
        assert.deepEqual(
          split(texts.join('\n'), pieceBytes),
          texts.map((text) => JSON.parse(text) as unknown),
        );
      }),
    );
  });
  for (const text of ['[1,2', '[1]]', '{"a":1', '5', '[1] [2]', '["a', '{"a":1}}']) {
    it(`refuses ${text}`, () => {
      assert.throws(() => split(text), { code: 'BAD_JSON' });
    });
  }
});
