import assert from 'node:assert/strict';
import { passesByItself, RestartPolicy } from '../../../src/core/connector-restart.js';

/** As Kafka Connect gave them, less what is indented below the first frame. */
const CONFIG_TOPIC = `org.apache.kafka.connect.errors.ConnectException: Failed to read to end of config topic before performing zombie fencing
\tat org.apache.kafka.connect.runtime.distributed.DistributedHerder.doFenceZombieSourceTasks(DistributedHerder.java:1356)`;
const FENCED = `org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback
\tat org.apache.kafka.connect.runtime.AbstractWorkerSourceTask.maybeThrowProducerSendException(AbstractWorkerSourceTask.java:343)
Caused by: org.apache.kafka.common.errors.ProducerFencedException: There is a newer producer with the same transactionalId which fences the current one.`;
const CLOSED = `org.apache.kafka.connect.errors.ConnectException: Failed to flush offsets and/or records for task tidemark-mongo-0
\tat org.apache.kafka.connect.runtime.ExactlyOnceWorkerSourceTask.commitTransaction(ExactlyOnceWorkerSourceTask.java:340)
Caused by: org.apache.kafka.common.KafkaException: The producer closed forcefully`;
const POSTGRES_AWAY = `org.apache.kafka.connect.errors.ConnectException: An exception occurred in the change event producer.
Caused by: org.postgresql.util.PSQLException: Connection to 127.0.0.1:5432 refused.
\tat org.postgresql.core.v3.ConnectionFactoryImpl.openConnectionImpl(ConnectionFactoryImpl.java:352)
Caused by: java.net.ConnectException: Connection refused`;
const NO_PUBLICATION = `org.apache.kafka.connect.errors.ConnectException: Unable to create filtered publication no_such_publication
Caused by: org.postgresql.util.PSQLException: ERROR: publication "no_such_publication" does not exist`;
const TOO_LARGE = `org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback
Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is 2097252 bytes when serialized`;

describe('whether the failure of a connector passes', () => {
  const cases: [string, string | undefined, boolean][] = [
    ['Kafka answered too late for fencing', CONFIG_TOPIC, true],
    ['a fenced producer', FENCED, true],
    ['a producer closed while its task was being stopped', CLOSED, true],
    ['a database that is away', POSTGRES_AWAY, true],
    ['a publication that is not there', NO_PUBLICATION, false],
    ['a record above the limit', TOO_LARGE, false],
    ['words of an error deep in a row, not its name', `x.Y: z\n\tat ProducerFencedException`, false],
    ['no trace', undefined, false],
  ];
  for (const [what, trace, expected] of cases) {
    it(`${what}: ${expected}`, () => assert.equal(passesByItself(trace), expected));
  }
});

describe('when a connector is started anew', () => {
  const running = { connector: { state: 'RUNNING' }, tasks: [{ state: 'RUNNING' }] };
  const failed = (...traces: string[]) => ({
    connector: { state: 'RUNNING' },
    tasks: traces.map((trace) => ({ state: 'FAILED', trace })),
  });

  it('at once, then after 5 s, 10 s, 20 s ... up to five minutes', () => {
    const policy = new RestartPolicy();
    const due: number[] = [];
    for (let s = 0; s < 1_500; s++) if (policy.isDue(failed(FENCED), s * 1_000)) due.push(s);
    assert.deepEqual(due, [0, 5, 15, 35, 75, 155, 315, 615, 915, 1_215]);
  });

  it('at once again when it has run for a minute since', () => {
    const policy = new RestartPolicy();
    assert.ok(policy.isDue(failed(FENCED), 0));
    assert.ok(policy.isDue(failed(FENCED), 5_000));
    assert.ok(!policy.isDue(running, 6_000));
    assert.ok(!policy.isDue(running, 66_000));
    assert.ok(policy.isDue(failed(FENCED), 67_000));
    assert.ok(!policy.isDue(failed(FENCED), 71_999));
    assert.ok(policy.isDue(failed(FENCED), 72_000));
  });

  it('never while any part of it failed of what wants a human', () => {
    const policy = new RestartPolicy();
    assert.ok(!policy.isDue(failed(FENCED, NO_PUBLICATION), 0));
    assert.ok(!policy.isDue(running, 1_000));
    assert.ok(!policy.isDue({ connector: { state: 'PAUSED' }, tasks: [] }, 2_000));
  });
});
