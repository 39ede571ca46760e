import assert from 'node:assert/strict';
import { connectKafka } from '../../../src/clients/kafka.js';
import { EVENTS_TOPIC, USERS_TOPIC } from '../../../src/core/names.js';
import { waitUntil } from '../../../src/wait-until.js';
import { openPipeline, PIPELINE_SERVICES, type Pipeline } from '../../support/pipeline.js';
import { select, silverBecomesRight } from '../../support/silver.js';
import { useStack } from '../../support/stack.js';

describe('bad messages', function () {
  this.timeout(120_000);
  const stack = useStack(PIPELINE_SERVICES);
  let pipeline: Pipeline;

  before(async () => (pipeline = await openPipeline(stack())));
  after(() => pipeline.close());

  const epoch = { 'tidemark.epoch': '1' };
  const cases: [string, string, string, Record<string, string>, string][] = [
    [USERS_TOPIC, 'not JSON', '{"op":', epoch, 'not JSON'],
    [USERS_TOPIC, 'bytes that are no text', '\u0000\u0001\ufffd', epoch, 'not JSON'],
    [USERS_TOPIC, 'an array', '[1]', epoch, 'not a change event: op is missing or unknown'],
    [USERS_TOPIC, 'an unknown op', '{"op":"x"}', epoch, 'not a change event: op is missing or unknown'],
    [
      USERS_TOPIC,
      'no position',
      '{"op":"c","after":{"user_id":1}}',
      epoch,
      'no source position: source.lsn is missing',
    ],
    [
      USERS_TOPIC,
      'no epoch',
      '{"op":"c","source":{"lsn":1},"after":{"user_id":1}}',
      {},
      'no epoch: header tidemark.epoch is missing',
    ],
    [
      USERS_TOPIC,
      'no key',
      '{"op":"c","source":{"lsn":1},"after":{"user_id":"secret"}}',
      epoch,
      'no identity: user_id is missing or not an integer',
    ],
    [EVENTS_TOPIC, 'not JSON', 'secret', {}, 'not JSON'],
    [
      EVENTS_TOPIC,
      'no position',
      '{"op":"c","after":"{}"}',
      epoch,
      'no source position: source.ts_ms or source.ord is missing',
    ],
    [
      EVENTS_TOPIC,
      'no document',
      '{"op":"c","source":{"ts_ms":1,"ord":1}}',
      epoch,
      'no document: after is missing',
    ],
    [
      EVENTS_TOPIC,
      'a document that is no JSON',
      '{"op":"c","source":{"ts_ms":1,"ord":1},"after":"{"}',
      epoch,
      'document is not JSON',
    ],
    [
      EVENTS_TOPIC,
      'no time',
      '{"op":"c","source":{"ts_ms":1,"ord":1},"after":"{\\"ts\\":\\"secret\\"}"}',
      epoch,
      'no event time: ts is missing, not a date or out of range',
    ],
  ];

  it('land in bronze_errors with coordinates and a reason, and stop nothing', async () => {
    const producer = connectKafka(pipeline.config).producer();
    await producer.connect();
    const expected: object[] = [];
    for (const [topic, , value, headers, reason] of cases) {
      const [written] = await producer.send({
        topic,
        messages: [{ key: '{"id":"\\"bad\\""}', value, headers, partition: 1 }],
      });
      expected.push({ topic, partition: 1, offset: written?.baseOffset, reason, raw: value });
    }
    await producer.disconnect();
    await pipeline.postgres.query(
      "INSERT INTO users (user_id, full_name, email) VALUES (3001, 'after the poison', '')",
    );
    await silverBecomesRight(pipeline);
    const found = await waitUntil(
      'all bad messages',
      async () => {
        const rows = await select(
          pipeline.clickhouse,
          'SELECT topic, partition, offset, reason, raw FROM bronze_errors FINAL',
        );
        return rows.length >= expected.length && rows;
      },
      { timeoutMs: 30_000 },
    );
    const byPosition = (a: object, b: object) => JSON.stringify(a).localeCompare(JSON.stringify(b));
    assert.deepEqual(found.sort(byPosition), expected.sort(byPosition));
    assert.ok(cases.every(([, , , , reason]) => !reason.includes('secret')));
  });

  it('that have no key are named by their missing identity', async () => {
    const producer = connectKafka(pipeline.config).producer();
    await producer.connect();
    const value = '{"op":"c","source":{"ts_ms":1,"ord":1},"after":"{}"}';
    await producer.send({ topic: EVENTS_TOPIC, messages: [{ key: null, value, headers: epoch }] });
    await producer.disconnect();
    await waitUntil(
      'the message without a key',
      async () =>
        (
          await select(
            pipeline.clickhouse,
            "SELECT 1 FROM bronze_errors WHERE reason = 'no identity: the key has no id'",
          )
        ).length === 1,
      { timeoutMs: 30_000 },
    );
  });
});
