import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  attemptOf,
  DEAD_LETTER_HEADERS,
  DEAD_LETTER_STAGES,
  deadLetterHeaders,
  openDeadLetter,
  type DeadLetter,
  type DeadLetterHeader,
} from '../../../src/core/dead-letter.js';

const LETTER: DeadLetter = {
  stage: 'validate',
  reason: 'MISSING_IP',
  reasons: ['MISSING_IP', 'INVALID_LOCALE'],
  source: {
    topic: 'user-login',
    topicId: '00112233445566778899aabbccddeeff',
    partition: 3,
    offset: 4_294_967_299,
    timestampMs: 1_694_479_551_000,
  },
  job: 'logins',
  attempt: 0,
  failedAtMs: 1_694_479_552_000,
};

const code = fc.stringMatching(/^[A-Z_]{1,20}$/);
const letters: fc.Arbitrary<DeadLetter> = fc.record({
  stage: fc.constantFrom(...DEAD_LETTER_STAGES),
  reason: code,
  reasons: fc.array(code, { minLength: 1, maxLength: 7 }),
  source: fc.record({
    topic: fc.stringMatching(/^[a-z.-]{1,30}$/),
    topicId: fc.stringMatching(/^[0-9a-f]{32}$/),
    partition: fc.nat(),
    offset: fc.maxSafeNat(),
    timestampMs: fc.integer({ min: -1 }),
  }),
  job: fc.string(),
  attempt: fc.nat(3),
  failedAtMs: fc.integer({ min: -1 }),
});
const headers: fc.Arbitrary<DeadLetterHeader[]> = fc.array(
  fc.record({
    name: fc.oneof(fc.string(), fc.constantFrom(...Object.values(DEAD_LETTER_HEADERS))),
    value: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
  }),
);

describe('headers of a dead letter', () => {
  it('are readable text', () => {
    const texts = deadLetterHeaders(LETTER).map(({ name, value }) => [name, value?.toString()]);
    assert.deepEqual(Object.fromEntries(texts), {
      'tidemark.reason': 'MISSING_IP',
      'tidemark.reasons': 'MISSING_IP,INVALID_LOCALE',
      'tidemark.stage': 'validate',
      'tidemark.source.topic': 'user-login',
      'tidemark.source.topic-id': '00112233445566778899aabbccddeeff',
      'tidemark.source.partition': '3',
      'tidemark.source.offset': '4294967299',
      'tidemark.source.timestamp': '1694479551000',
      'tidemark.job': 'logins',
      'tidemark.attempt': '0',
      'tidemark.failed-at': '1694479552000',
    });
  });

  it('come apart into the letter and what the record came with, whatever that was', () => {
    fc.assert(
      fc.property(letters, headers, (drawn, original) => {
        const letter = { ...drawn, source: { ...drawn.source } };
        assert.deepEqual(openDeadLetter(deadLetterHeaders(letter, original)), { letter, original });
      }),
    );
  });

  it('of a dead letter that became one again come apart twice', () => {
    const twice = deadLetterHeaders({ ...LETTER, attempt: 1 }, deadLetterHeaders(LETTER));
    const outer = openDeadLetter(twice);
    assert.equal(outer?.letter.attempt, 1);
    assert.deepEqual(openDeadLetter(outer.original), { letter: LETTER, original: [] });
  });

  it('are those of no dead letter when one of ours is missing', () => {
    for (const name of Object.values(DEAD_LETTER_HEADERS)) {
      const left = deadLetterHeaders(LETTER).filter((header) => header.name !== name);
      assert.equal(openDeadLetter(left), undefined, name);
    }
  });

  for (const [name, value] of [
    [DEAD_LETTER_HEADERS.stage, 'elsewhere'],
    [DEAD_LETTER_HEADERS.topicId, 'not-an-id'],
    [DEAD_LETTER_HEADERS.partition, '-1'],
    [DEAD_LETTER_HEADERS.offset, '1.5'],
    [DEAD_LETTER_HEADERS.offset, '9007199254740993'],
    [DEAD_LETTER_HEADERS.attempt, ''],
    [DEAD_LETTER_HEADERS.failedAt, 'now'],
    [DEAD_LETTER_HEADERS.reason, ''],
  ] as const) {
    it(`are those of no dead letter when ${name} is "${value}"`, () => {
      const bad = [...deadLetterHeaders(LETTER), { name, value: Buffer.from(value) }];
      assert.equal(openDeadLetter(bad), undefined);
    });
  }

  for (const [what, values, attempt] of [
    ['none', [], 0],
    ['one', ['2'], 2],
    ['several, of which the last counts', ['2', '1'], 1],
    ['one that is no number', ['many'], 0],
  ] as const) {
    it(`say how often a record was redriven, having ${what}`, () => {
      const given = values.map((value) => ({ name: DEAD_LETTER_HEADERS.attempt, value: Buffer.from(value) }));
      assert.equal(attemptOf(given), attempt);
    });
  }
});
