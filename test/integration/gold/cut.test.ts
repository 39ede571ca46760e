import assert from 'node:assert/strict';
import { eventOf } from '../../support/gold-stack.js';
import { useGoldStack } from '../../support/use-gold-stack.js';

const DAY = '2023-03-01';

describe('gold after a cut', function () {
  this.timeout(120_000);
  const gold = useGoldStack();

  it('is stale on the days that lost events, until it is computed once more', async () => {
    const { tidemark, clickhouse, events } = gold();
    await events.insertOne(eventOf('cut-away', '77', 'login', `${DAY}T10:00:00Z`).stored);
    const first = await tidemark.gold.run({ day: DAY });
    assert.deepEqual([first.reused, first.unknownEvents], [false, '1']);
    assert.equal((await tidemark.gold.run({ day: DAY })).reused, true);

    // What provision/cut.ts writes for an event that a new snapshot did not show.
    await clickhouse.command({
      query: `INSERT INTO silver_events (day, event_id, user_id, event_type, ts, payload, is_deleted, deleted_at, version, source_time, partition, offset)
              SELECT day, event_id, user_id, event_type, ts, payload, 1, now64(3, 'UTC'), version + 1, now64(3, 'UTC'), -1, 0
              FROM silver_events FINAL WHERE day = '${DAY}'`,
    });
    const second = await tidemark.gold.run({ day: DAY });
    assert.deepEqual([second.reused, second.unknownEvents], [false, '0']);
    assert.equal((await tidemark.gold.run({ day: DAY })).reused, true);
  });
});
