import assert from 'node:assert/strict';
import { statusDue, type Given, type ResultStatus } from '../../../src/core/result-status.js';

/** The table "when results are given" of docs/unique-users.md, for a window that ends at 60,000. */
describe('core/result-status', () => {
  const END_MS = 60_000;
  const fresh: Given = { isFinal: false, hasChanged: true };
  const told: Given = { isFinal: false, hasChanged: false };
  const final: Given = { isFinal: true, hasChanged: false };
  const late: Given = { isFinal: true, hasChanged: true };
  /** `withChanges`: provisional results are due, or the window closes. */
  const table: [
    what: string,
    given: Given,
    watermarkMs: number,
    withChanges: boolean,
    due: ResultStatus | undefined,
  ][] = [
    ['before its end, changed, not yet due', fresh, END_MS - 1, false, undefined],
    ['before its end, changed, due', fresh, END_MS - 1, true, 'provisional'],
    ['before its end, told already, due', told, END_MS - 1, true, undefined],
    ['before any time is known, changed, due', fresh, Number.NEGATIVE_INFINITY, true, 'provisional'],
    ['at its end, changed', fresh, END_MS, false, 'final'],
    ['at its end, told already: final it is only now', told, END_MS, false, 'final'],
    ['past its end, with what is due', fresh, END_MS + 1, true, 'final'],
    ['when all has ended', told, Number.POSITIVE_INFINITY, true, 'final'],
    ['final, not changed, due', final, END_MS + 1, true, undefined],
    ['final, changed, not yet due', late, END_MS + 1, false, undefined],
    ['final, changed, due', late, END_MS + 1, true, 'revised'],
    ['final, changed, due, though time seems to be before its end again', late, END_MS - 1, true, 'revised'],
    ['final, though time seems to be before its end again', final, END_MS - 1, false, undefined],
  ];
  for (const [what, given, watermarkMs, withChanges, due] of table) {
    it(`${what}: ${due ?? 'nothing'}`, () =>
      assert.equal(statusDue(given, END_MS, watermarkMs, withChanges), due));
  }
});
