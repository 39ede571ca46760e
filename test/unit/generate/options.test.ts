import assert from 'node:assert/strict';
import { eventOptions, userOptions } from '../../../src/generate/options.js';

const base = { seed: 1, from: '2026-11-14', days: 7 };

describe('generate/options', () => {
  it('fills in defaults, also for what is undefined', () => {
    assert.equal(userOptions({ ...base, users: undefined as unknown as number }).users, 1_000);
    assert.equal(eventOptions(base).lateShare, 0.02);
    assert.deepEqual(
      [eventOptions({ ...base, days: 1 }).lateShare, eventOptions({ ...base, days: 1 }).moveShare],
      [0, 0],
    );
  });

  it('names every fault at once', () => {
    assert.throws(
      () =>
        eventOptions({ ...base, seed: -1, days: 1, events: 1.5, lateShare: 0.1, updateShare: Number.NaN }),
      (error: Error) => {
        for (const part of ['seed', 'events', 'lateShare', 'updateShare'])
          assert.ok(error.message.includes(part), part);
        return (error as { code?: string }).code === 'BAD_OPTIONS';
      },
    );
    const faulty = [{ users: -1 }, { users: 10_000_001 }, { days: 0 }, { days: 2.5 }, { deleteShare: 1.01 }];
    for (const fault of faulty) {
      assert.throws(() => userOptions({ ...base, ...fault }), { code: 'BAD_OPTIONS' }, JSON.stringify(fault));
    }
    assert.throws(() => userOptions({ ...base, from: '2026-02-30' }), { code: 'BAD_DAY' });
  });
});
