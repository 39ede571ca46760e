import assert from 'node:assert/strict';
import { CANARY_EVENT_PREFIX, CANARY_USER_ID } from '../../../src/core/ids.js';
import {
  createStaging,
  fillStatement,
  measureStaging,
  NO_USER_DAY,
  replacePartition,
  UNKNOWN_USER_DAY,
} from '../../../src/core/gold-sql.js';

/** What the statements mean is tested on ClickHouse (test/integration/gold); here is what must not change unseen. */
describe('core/gold-sql', () => {
  it('reads one day of silver, by the first column of its key, without the canary', () => {
    const statement = fillStatement('db', 'staging', '2024-02-29');
    assert.match(statement, /^INSERT INTO db\.staging\n/);
    assert.match(statement, /WHERE day = '2024-02-29' AND /);
    assert.ok(statement.includes(`NOT startsWith(event_id, '"${CANARY_EVENT_PREFIX}')`));
    assert.ok(statement.includes(`NOT (user_id <=> ${CANARY_USER_ID})`));
  });

  it('depends on nothing but silver and the day: no clock, no randomness, no order of rows', () => {
    assert.doesNotMatch(
      fillStatement('db', 'staging', '2024-02-29'),
      /\b(now|now64|today|yesterday|rand|any|anyLast|generateUUID)\w*\(/i,
    );
  });

  it('keeps what is unknown under days that gold never holds', () => {
    for (const day of [UNKNOWN_USER_DAY, NO_USER_DAY]) {
      assert.ok(fillStatement('db', 's', '2024-02-29').includes(`toDate('${day}')`));
      // The last days that a Date has.
      assert.ok(day >= '2149-06-05' && day <= '2149-06-06');
    }
  });

  it('replaces exactly the day, from an empty staging too', () => {
    assert.equal(
      replacePartition('db', 'staging', '2024-02-29', ''),
      `ALTER TABLE db.gold_user_activity \nREPLACE PARTITION '2024-02-29' FROM db.staging\nSETTINGS allow_replace_partition_from_empty_source = 1`,
    );
  });

  it('runs on a cluster where there is one', () => {
    const onCluster = "ON CLUSTER 'c'";
    assert.match(createStaging('db', 'staging', onCluster), /^CREATE TABLE db\.staging ON CLUSTER 'c' AS /);
    assert.match(
      replacePartition('db', 'staging', '2024-02-29', onCluster),
      /^ALTER TABLE db\.gold_user_activity ON CLUSTER 'c'\n/,
    );
  });

  it('takes the day as [start, next start): a month and a year may end in between', () => {
    assert.match(
      measureStaging('db', 's', '2023-12-31'),
      /last_event_at >= toDateTime64\('2024-01-01 00:00:00'/,
    );
    assert.match(
      measureStaging('db', 's', '2024-02-28'),
      /last_event_at >= toDateTime64\('2024-02-29 00:00:00'/,
    );
  });
});
