import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addDays, dayOf } from '../../../src/core/day.js';
import { live } from '../../../src/generate/clock.js';
import { userRun, usersAfter } from '../../../src/generate/expected.js';
import { UserModel } from '../../../src/generate/model.js';
import { userOptions, type UserOptions } from '../../../src/generate/options.js';
import { knownUsers, plannedUserSteps, userOperations, userSteps } from '../../../src/generate/users.js';
import { userId } from '../../../src/generate/keys.js';

const FROM = '2026-11-14';

const anyOptions: fc.Arbitrary<UserOptions> = fc
  .record({
    seed: fc.nat(0x7fff_ffff),
    users: fc.nat(120),
    days: fc.integer({ min: 1, max: 9 }),
    updateShare: fc.double({ min: 0, max: 1, noNaN: true }),
    deleteShare: fc.double({ min: 0, max: 1, noNaN: true }),
    reinsertShare: fc.double({ min: 0, max: 1, noNaN: true }),
    changeKeyShare: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map((options) => ({ ...options, from: FROM }));

describe('generate/users', () => {
  it('gives the same operations for the same seed, and others for another', () => {
    const run = (seed: number): string =>
      JSON.stringify([...userRun(userOptions({ seed, from: FROM, days: 3, users: 200 }))]);
    assert.equal(run(11), run(11));
    assert.notEqual(run(11), run(12));
  });

  it('only does what a table with a primary key allows, whatever the shares', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        // The model throws at an impossible operation; here a second, plainer bookkeeping looks at the same.
        const living = new Set<string>();
        for (const operation of userRun(options)) {
          if (operation.op === 'delete') assert.ok(living.delete(operation.user_id));
          else if (operation.op === 'update') assert.ok(living.has(operation.row.user_id));
          else {
            if (operation.op === 'changeKey') assert.ok(living.delete(operation.from));
            assert.ok(!living.has(operation.row.user_id));
            living.add(operation.row.user_id);
          }
        }
        const alive = usersAfter(options).filter((row) => !row.is_deleted);
        assert.deepEqual(new Set(alive.map((row) => row.user_id)), living);
      }),
    );
  });

  it('does every kind of thing exactly as often as its share says', () => {
    const options = userOptions({ seed: 3, from: FROM, days: 7, users: 2_000 });
    const counts: Record<string, number> = {};
    for (const step of userSteps(options)) counts[step.kind] = (counts[step.kind] ?? 0) + 1;
    assert.deepEqual(counts, plannedUserSteps(options));
    assert.deepEqual(counts, { insert: 2_000, reinsert: 40, update: 600, delete: 100, changeKey: 40 });
  });

  it('names exactly the users that ever are', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        const known = knownUsers(options).map((ordinal) => userId(options.seed, ordinal));
        assert.deepEqual(new Set(known), new Set(usersAfter(options).map((row) => row.user_id)));
        assert.equal(new Set(known).size, known.length);
      }),
    );
  });

  it('writes times with microseconds, within its days, never falling for a row', () => {
    const options = userOptions({ seed: 5, from: FROM, days: 4, users: 500, updateShare: 1 });
    const updatedAt = new Map<string, string>();
    for (const operation of userRun(options)) {
      if (operation.op === 'delete') continue;
      const { user_id, created_at, updated_at } = operation.row;
      assert.match(updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      assert.ok(created_at <= updated_at);
      assert.ok(updated_at >= FROM && updated_at < addDays(FROM, 4));
      const key = operation.op === 'changeKey' ? operation.from : user_id;
      assert.ok((updatedAt.get(key) ?? '') <= updated_at);
      updatedAt.set(user_id, updated_at);
    }
  });

  it('changes keys onto new keys and onto keys of deleted users', () => {
    const options = userOptions({ seed: 2, from: FROM, days: 2, users: 800, changeKeyShare: 0.2 });
    const seen = new Set<string>();
    const kinds = { fresh: 0, again: 0 };
    for (const operation of userRun(options)) {
      if (operation.op === 'delete') continue;
      if (operation.op === 'changeKey') kinds[seen.has(operation.row.user_id) ? 'again' : 'fresh']++;
      seen.add(operation.row.user_id);
    }
    assert.ok(kinds.fresh > 50 && kinds.again > 10, JSON.stringify(kinds));
  });

  it('has names that break careless quoting', () => {
    const names = usersAfter(userOptions({ seed: 1, from: FROM, days: 1, users: 3_000 })).map(
      (row) => row.full_name,
    );
    for (const needle of ["'", '"', '\\', '🧭', ';--'])
      assert.ok(
        names.some((name) => name.includes(needle)),
        needle,
      );
    assert.ok(names.some((name) => /\p{Script=Cyrillic}/u.test(name)));
    assert.ok(names.some((name) => /\p{Script=Arabic}/u.test(name)));
  });

  it('goes on for as long as one listens when endless, at the time of the clock', () => {
    let nowMs = Date.parse('2026-11-21T10:00:00Z');
    const clock = live(() => (nowMs += 1_000));
    const options = userOptions({ seed: 9, from: FROM, days: 1, users: 10 });
    const model = new UserModel();
    let applied = 0;
    for (const operation of userOperations(options, clock, { endless: true })) {
      model.apply(operation);
      if (++applied === 2_000) break;
    }
    assert.equal(applied, 2_000);
    assert.ok(model.rows().every((row) => dayOf(Date.parse(row.created_at)) === '2026-11-21'));
  });
});
