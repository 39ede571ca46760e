import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addDays, dayOf, dayStartMs, DAY_MS } from '../../../src/core/day.js';
import { live } from '../../../src/generate/clock.js';
import { eventOperations, plannedEventSteps } from '../../../src/generate/events.js';
import { eventClock, eventRun, eventsAfter, usersAfter } from '../../../src/generate/expected.js';
import { EventModel } from '../../../src/generate/model.js';
import { eventOptions, userOptions, type EventOptions } from '../../../src/generate/options.js';
import { EVENT_TYPES } from '../../../src/generate/payloads.js';
import { countSteps, knownUsers } from '../../../src/generate/users.js';

const FROM = '2026-11-14';
const users = userOptions({ seed: 4, from: FROM, days: 5, users: 150 });
const known = knownUsers(users);
const knownIds = new Set(usersAfter(users).map((row) => row.user_id));

const share = fc.double({ min: 0, max: 1, noNaN: true });
const anyOptions: fc.Arbitrary<EventOptions> = fc
  .record({
    events: fc.nat(200),
    days: fc.integer({ min: 2, max: 9 }),
    lateShare: fc.double({ min: 0, max: 0.5, noNaN: true }),
    unknownShare: share,
    updateShare: share,
    deleteShare: share,
    reinsertShare: share,
    moveShare: share,
    idleShare: share,
  })
  .map((options) => ({ ...options, seed: 4, from: FROM }));

describe('generate/events', () => {
  it('gives the same operations for the same seed, and others for another', () => {
    const run = (seed: number): string =>
      JSON.stringify([...eventRun(eventOptions({ seed, from: FROM, days: 3, events: 500 }), users)]);
    assert.equal(run(4), run(4));
    assert.notEqual(run(4), run(5));
  });

  it('only does what a collection allows, whatever the shares', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        const living = new Set<string>();
        for (const operation of eventRun(options, users)) {
          const id = JSON.stringify(operation._id);
          if (operation.op === 'insert') assert.ok(!living.has(id) && living.add(id));
          else if (operation.op === 'update') assert.ok(living.has(id));
          else assert.ok(living.delete(id));
        }
        assert.deepEqual(new Set(eventsAfter(options, users).map((row) => row.event_id)), living);
      }),
    );
  });

  it('does every kind of thing exactly as often as its share says', () => {
    const options = eventOptions({ seed: 4, from: FROM, days: 5, events: 20_000, unknownShare: 0.03 });
    const clock = eventClock(options);
    const counts = { insert: 0, late: 0, reinsert: 0, update: 0, move: 0, delete: 0 };
    const seen = new Set<number>();
    let unknown = 0;
    let step = 0;
    for (const operation of eventOperations(options, known, clock)) {
      const today = dayOf(clock.atMs(step++));
      if (operation.op === 'insert' && !seen.has(operation.ordinal)) {
        seen.add(operation.ordinal);
        counts[dayOf(operation.event.ts) < today ? 'late' : 'insert']++;
        if (!knownIds.has(operation.event.user_id)) unknown++;
      } else if (operation.op === 'insert') counts.reinsert++;
      else if (operation.op === 'update') counts[operation.set.ts === undefined ? 'update' : 'move']++;
      else counts.delete++;
    }
    assert.deepEqual(counts, plannedEventSteps(options));
    assert.deepEqual(counts, {
      insert: 19_600,
      late: 400,
      reinsert: 80,
      update: 1_000,
      move: 200,
      delete: 400,
    });
    assert.equal(unknown, 600);
  });

  it('moves an event to another day, never to the same', () => {
    const options = eventOptions({ seed: 4, from: FROM, days: 3, events: 3_000, moveShare: 0.5 });
    const days = new Map<number, string>();
    let moves = 0;
    for (const operation of eventRun(options, users)) {
      if (operation.op === 'insert') days.set(operation.ordinal, dayOf(operation.event.ts));
      if (operation.op !== 'update' || operation.set.ts === undefined) continue;
      moves++;
      assert.notEqual(dayOf(operation.set.ts), days.get(operation.ordinal));
      days.set(operation.ordinal, dayOf(operation.set.ts));
    }
    assert.equal(moves, 1_500);
  });

  it('keeps every event within its days and reaches their first and last millisecond', () => {
    const options = eventOptions({ seed: 4, from: FROM, days: 4, events: 20_000, lateShare: 0.2 });
    const events = eventsAfter(options, users);
    const [from, to] = [dayStartMs(FROM), dayStartMs(addDays(FROM, 4))];
    assert.ok(events.every(({ ts }) => from <= ts && ts < to));
    assert.ok(events.some(({ ts }) => ts % DAY_MS === 0));
    assert.ok(events.some(({ ts }) => ts % DAY_MS === DAY_MS - 1));
  });

  it('leaves the planned share of users without events, and has events of deleted users', () => {
    const options = eventOptions({ seed: 4, from: FROM, days: 4, events: 20_000, idleShare: 0.3 });
    const active = new Set(eventsAfter(options, users).map((row) => row.user_id));
    const idle = [...knownIds].filter((id) => !active.has(id));
    assert.equal(idle.length, knownIds.size - Math.ceil(knownIds.size * 0.7));
    assert.ok(usersAfter(users).some((row) => row.is_deleted && active.has(row.user_id)));
  });

  it('has every type, and payloads that nest, hold arrays, quotes, letters of many scripts and decoys', () => {
    const types = new Set<string>();
    const payloads: string[] = [];
    for (const operation of eventRun(eventOptions({ seed: 4, from: FROM, days: 2, events: 3_000 }), users)) {
      if (operation.op !== 'insert') continue;
      types.add(operation.event.event_type);
      payloads.push(JSON.stringify(operation.event.payload));
    }
    assert.deepEqual([...types].sort(), [...EVENT_TYPES].sort());
    for (const needle of [
      '{}',
      '[]',
      ':[{',
      '\\"',
      "'",
      '\\n',
      '\\\\temp',
      'размер',
      '🧵',
      '折り',
      '"user_id":"guest"',
      'null',
    ]) {
      assert.ok(
        payloads.some((text) => text.includes(needle)),
        needle,
      );
    }
  });

  it('has whole numbers of 32 bits only, so that BSON and JSON write them alike', () => {
    const check = (value: unknown): void => {
      if (typeof value === 'number') assert.ok(!Number.isInteger(value) || Math.abs(value) < 2 ** 31);
      else if (value !== null && typeof value === 'object') Object.values(value).forEach(check);
    };
    for (const operation of eventRun(eventOptions({ seed: 4, from: FROM, days: 2, events: 2_000 }), users)) {
      if (operation.op === 'insert') check(operation.event.payload);
    }
  });

  it('makes every event one of an unknown user when there are no users', () => {
    const nobody = userOptions({ seed: 4, from: FROM, days: 1, users: 0 });
    const events = eventsAfter(
      eventOptions({ seed: 4, from: FROM, days: 2, events: 50, deleteShare: 0 }),
      nobody,
    );
    assert.equal(events.length, 50);
  });

  it('goes on when endless, at the time of the clock, late events on one of the six days before', () => {
    let nowMs = Date.parse('2026-11-21T10:00:00Z');
    const clock = live(() => (nowMs += 100));
    const options = eventOptions({ seed: 4, from: FROM, days: 2, events: 100, lateShare: 0.2 });
    const model = new EventModel();
    let applied = 0;
    for (const operation of eventOperations(options, known, clock, { endless: true })) {
      model.apply(operation);
      if (++applied === 3_000) break;
    }
    const days = new Set(model.rows().map(({ ts }) => dayOf(ts)));
    assert.deepEqual(
      [...days].sort(),
      [15, 16, 17, 18, 19, 20, 21].map((day) => `2026-11-${day}`),
    );
    assert.ok(countSteps(plannedEventSteps(options)) < applied);
  });
});
