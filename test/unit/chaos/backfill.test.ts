import assert from 'node:assert/strict';
import { Random } from '../../../src/generate/random.js';
import { proofOf, TARGETS, type Kill } from '../../chaos/backfill/kill.js';
import { rounds } from '../../chaos/rounds.js';
import { computedTwiceAtOnce, type TimedAttempt } from '../../support/gold-attempts.js';

const attempt = (
  runId: string,
  status: TimedAttempt['status'],
  startedAtMs: number,
  finishedAtMs: number | null,
  other: Partial<TimedAttempt> = {},
): TimedAttempt => ({
  day: '2024-01-01',
  runId,
  attempt: 1,
  status,
  requestedBy: 'a test',
  startedAtMs,
  finishedAtMs,
  ...other,
});

describe('the audit of days computed twice at once', () => {
  const one = attempt('a', 'complete', 100, 200);
  const pairs: [what: string, other: TimedAttempt, isFound: boolean][] = [
    ['a run that began before its end', attempt('b', 'complete', 199, 300), true],
    ['a run within it', attempt('b', 'complete', 120, 130), true],
    ['a run around it', attempt('b', 'complete', 50, 250), true],
    ['one that failed meanwhile', attempt('b', 'failed', 150, 250), true],
    ['one that was abandoned meanwhile', attempt('b', 'abandoned', 50, 150), true],
    ['one abandoned as this one began', attempt('b', 'abandoned', 50, 100), true],
    ['one that is still running', attempt('b', 'running', 150, null), true],
    ['one that began as it ended', attempt('b', 'complete', 200, 300), false],
    ['one that ended as it began', attempt('b', 'complete', 50, 100), false],
    ['one of another day', attempt('b', 'complete', 150, 250, { day: '2024-01-02' }), false],
    ['another attempt of its own', attempt('a', 'complete', 150, 250, { attempt: 2 }), false],
  ];
  for (const [what, other, isFound] of pairs) {
    it(`${isFound ? 'finds' : 'lets pass'} ${what}`, () => {
      const days = isFound ? ['2024-01-01'] : [];
      assert.deepEqual(computedTwiceAtOnce([one, other]), days);
      assert.deepEqual(computedTwiceAtOnce([other, one]), days);
    });
  }
});

describe('the proof of a kill', () => {
  const kill: Kill = { target: 'worker', action: '', epochMs: 1_000, lastEpochMs: 500 };
  const cut = attempt('a', 'abandoned', 900, 11_000);
  const finished = attempt('a', 'complete', 11_000, 11_100, { attempt: 2 });
  const cases: [what: string, kill: Kill, attempts: TimedAttempt[], says: RegExp][] = [
    ['the attempt was cut off, the next one finished', kill, [cut, finished], /attempt 1 .* attempt 2/],
    ['nobody finished it', kill, [cut], /^$/],
    ['another run finished it', kill, [cut, { ...finished, runId: 'b' }], /^$/],
    ['it ended in spite of the kill', kill, [attempt('a', 'complete', 900, 1_001)], /^$/],
    ['it had begun before the kill before', { ...kill, lastEpochMs: 950 }, [cut, finished], /^$/],
    ['it began later', { ...kill, epochMs: 800 }, [cut, finished], /^$/],
    [
      'it went on without Temporal',
      { ...kill, target: 'temporal' },
      [attempt('a', 'complete', 900, 1_050)],
      /without Temporal/,
    ],
    [
      'it had ended before Temporal died',
      { ...kill, target: 'temporal' },
      [attempt('a', 'complete', 900, 1_000)],
      /^$/,
    ],
  ];
  for (const [what, one, attempts, says] of cases) {
    it(`${says.test('') ? 'is none' : 'is found'}: ${what}`, () =>
      assert.match(proofOf(one, attempts), says));
  }
});

it('rounds: whatever the seed, each target comes once in every three', () => {
  for (let seed = 0; seed < 20; seed++) {
    const targets = rounds(Random.of(seed), TARGETS);
    for (let round = 0; round < 3; round++) {
      const drawn = TARGETS.map(() => targets.next().value);
      assert.deepEqual([...drawn].sort(), [...TARGETS].sort());
    }
  }
});
