import assert from 'node:assert/strict';
import { PATHS } from '../../../src/activities/canary/look.js';
import { brokenHop, CANARY_CHANGES, expectedGold, sameGold } from '../../../src/core/canary.js';
import { fillStatement, selectCanaryGold } from '../../../src/core/gold-sql.js';
import { CANARY_EVENT_ID, CANARY_EVENT_PREFIX, CANARY_USER_ID } from '../../../src/core/ids.js';

describe('core/canary', () => {
  const [users] = PATHS;
  const hops = [
    ['topic', 'postgres -> kafka', 'public.users', 'postgres.public.users', /connector tidemark-postgres/],
    ['bronze', 'kafka -> clickhouse', 'postgres.public.users', 'bronze_users', /kafka_users/],
    ['silver', 'bronze -> silver', 'bronze_users', 'silver_users', /to_silver_users/],
    ['gold', 'clickhouse -> gold', 'silver_users', 'gold', /SELECT/],
  ] as const;
  for (const [hop, way, from, to, next] of hops) {
    it(`that did not pass ${hop} got lost from ${from} to ${to}`, () => {
      const broken = brokenHop(hop, users!);
      assert.deepEqual([broken.way, broken.from, broken.to], [way, from, to]);
      assert.match(broken.next, next);
    });
  }

  it('looks different in gold after every change', () => {
    const looks = [null, ...CANARY_CHANGES.map((change) => expectedGold(change, `token ${change}`))];
    for (const [i, one] of looks.entries()) {
      for (const [j, other] of looks.entries()) {
        // Before the insert and after the delete there is none.
        const isSame = i === j || (one === null && other === null);
        assert.equal(sameGold(one, other), isSame, `${i} and ${j}`);
      }
    }
  });

  it("is asked of gold by the run's own SELECT, but for the rows that count", () => {
    const [day, other] = ['1970-01-01', 'canary'];
    const ofRun = fillStatement('d', 's', day).replace(/^INSERT.*\n/, '');
    const ofCanary = selectCanaryGold('d', day);
    const frame = (statement: string) =>
      statement.replace(/WHERE day = .* AND NOT is_deleted/, other).replace(/FROM d\.users_with_.*/, other);
    assert.equal(frame(ofCanary), frame(ofRun));
    assert.notEqual(ofCanary, ofRun);
    assert.ok(ofCanary.includes(`event_id = '"${CANARY_EVENT_ID}"' AND user_id = ${CANARY_USER_ID}`));
  });

  it('is reserved', () => assert.ok(CANARY_EVENT_ID.startsWith(CANARY_EVENT_PREFIX)));
});
