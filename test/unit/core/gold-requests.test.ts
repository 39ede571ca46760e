import assert from 'node:assert/strict';
import {
  broughtBarrier,
  unanswered,
  type DayPass,
  type HeardRequest,
} from '../../../src/core/gold-requests.js';

const upTo = (offset: string, complete = true) => ({ complete, positions: { events: { 0: offset } } });
const gated: DayPass = { gateIn: 10, barrier: upTo('7'), forced: false, computedIn: 20 };
const brought: DayPass = { ...gated, gateIn: null };
const givenUp: DayPass = { ...gated, barrier: upTo('7', false), forced: true };

describe('core/gold-requests', () => {
  const plain: HeardRequest = { force: false, barrier: undefined, heardIn: 10 };
  const forcing: HeardRequest = { ...plain, force: true };
  const rows: [string, HeardRequest, DayPass, 'answered' | 'waits' | 'waits, forcing'][] = [
    ['heard before its gate began', plain, gated, 'answered'],
    ['heard at its gate', { ...plain, heardIn: 11 }, gated, 'waits'],
    ['heard while it computes', { ...plain, heardIn: 21 }, gated, 'waits'],
    ['without a barrier, the day computed under a brought one', plain, brought, 'waits'],
    ['with a barrier that it is past', { ...plain, barrier: upTo('7'), heardIn: 21 }, gated, 'answered'],
    ['with one that it is not past', { ...plain, barrier: upTo('8') }, gated, 'waits'],
    ['at a gate that was given up', { ...plain, heardIn: 15 }, givenUp, 'answered'],
    ['after a gate that was given up', { ...plain, heardIn: 21 }, givenUp, 'waits'],
    ['with a barrier, at a gate that was given up', { ...plain, barrier: upTo('7') }, givenUp, 'waits'],
    [
      'with an incomplete one, computed under it',
      { ...plain, barrier: upTo('7', false) },
      { ...brought, barrier: upTo('7', false) },
      'answered',
    ],
    ['forcing, computed by force', forcing, { ...gated, forced: true }, 'answered'],
    ['forcing at its gate', { ...forcing, heardIn: 15 }, { ...gated, forced: true }, 'waits'],
    ['forcing while it computes', { ...forcing, heardIn: 21 }, { ...gated, forced: true }, 'waits, forcing'],
    ['forcing, heard too late to force', { ...forcing, heardIn: 20 }, gated, 'waits, forcing'],
    [
      'forcing with a barrier that it is past',
      { ...forcing, barrier: upTo('7'), heardIn: 21 },
      gated,
      'waits, forcing',
    ],
  ];
  for (const [what, request, pass, answer] of rows) {
    it(`${what}: ${answer}`, () => {
      const left = unanswered(request, pass);
      assert.equal(left === null ? 'answered' : left.force ? 'waits, forcing' : 'waits', answer);
    });
  }

  it('one barrier serves all who brought one along, and none who did not', () => {
    const [one, other] = ['7', '9'].map((offset) => ({ ...plain, barrier: upTo(offset) }));
    assert.deepEqual(broughtBarrier([one!, other!]), upTo('9'));
    assert.equal(broughtBarrier([one!, plain]), undefined);
  });
});
