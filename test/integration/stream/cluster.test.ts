import assert from 'node:assert/strict';
import kafkajs, { type AclOperationTypes, type AclResourceTypes } from 'kafkajs';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { CHECKPOINT_TOPIC, checkpointRecord, restore } from '../../../src/stream/checkpoint-store.js';
import { ensureCheckpointTopic } from '../../../src/stream/checkpoint-topic.js';
import { COMPRESSIONS } from '../../../src/stream/compression.js';
import { NO_PRODUCER, RecordBatchBuilder } from '../../../src/stream/record-batch-builder.js';
import { makeTopic } from '../../../src/stream/make-topic.js';
import { produceRequest } from '../../../src/stream/requests.js';
import { TopicWriter } from '../../../src/generate/writers/topic.js';
import { TransactionalWriter } from '../../../src/stream/transactional-writer.js';
import { waitUntil } from '../../../src/wait-until.js';
import { kafkaOf, Scene } from '../../chaos/replay/scene.js';
import { copyLap, copyScene } from '../../support/copy-scene.js';
import { KafkaCluster, USER } from '../../support/kafka-cluster.js';
import { Topics } from '../../support/topics.js';
import { VECTOR_RECORDS } from '../../support/vector-records.js';

const SEED = 6;

const { AclPermissionTypes, ResourcePatternTypes } = kafkajs;
const { AclOperationTypes: May, AclResourceTypes: Of } = kafkajs;

/** What one broker cannot show: leaders that move, TLS, who may do what, a cleaner that is always at work. */
describe('the engine on a cluster of two brokers', function () {
  this.timeout(180_000);
  this.slow(60_000);
  let cluster: KafkaCluster;
  let topics: Topics;
  let kafka: KafkaConnection;

  before(async function () {
    this.timeout(600_000);
    cluster = await KafkaCluster.start(2, { 'log.cleaner.backoff.ms': 200 });
    topics = await Topics.open(cluster.config);
    kafka = await KafkaConnection.open(cluster.config);
    await ensureCheckpointTopic(topics.admin, kafka);
  });
  after(async () => {
    await kafka?.close();
    await topics?.close();
    await cluster?.stop();
  });

  async function scene(name: string, records: number, checkpointPartition: number): Promise<Scene> {
    const made = new Scene(name, cluster.config, SEED, records);
    await made.prepare(checkpointPartition);
    return made;
  }

  async function isExact(of: Scene): Promise<void> {
    const { expected, found, ...faults } = await of.compare();
    assert.deepEqual({ found, ...faults }, { found: expected, lost: 0, doubled: 0, different: 0 });
    assert.ok(expected > 0);
  }

  it('takes what is written to a topic as soon as it is made', async () => {
    for (let made = 0; made < 20; made++) {
      const topic = `fresh.${made}`;
      await makeTopic(topics.admin, kafka, topic, 32);
      const writer = await TopicWriter.open(kafka, topic);
      // Whoever waited for the metadata alone was refused now and then: its leader was not at work yet.
      for (let partition = 0; partition < 32; partition++) {
        await writer.add(partition, { timestampMs: Date.now(), key: null, value: Buffer.from('at once') });
      }
      await writer.flush();
    }
  });

  for (const mechanism of ['scram-sha-256', 'scram-sha-512'] as const) {
    it(`reads and writes through TLS, signed in by ${mechanism}`, async () => {
      const { kafka: config, ca } = cluster.secure(mechanism);
      const secure = await KafkaConnection.open(config, { tls: { ca } });
      try {
        const one = await scene(`secure.${mechanism}`, 4_000, 0);
        assert.equal((await copyLap(one, secure, secure)).outcome, 'finished');
        await isExact(one);
      } finally {
        await secure.close();
      }
    });
  }

  it('says that a password is wrong, which no retry mends; trusts no certificate unasked', async () => {
    const { kafka: wrong, ca } = cluster.secure('scram-sha-512', 'guessed');
    await assert.rejects(KafkaConnection.open(wrong, { tls: { ca } }), {
      code: 'KAFKA_AUTHENTICATION',
      retryable: false,
    });
    await assert.rejects(KafkaConnection.open(cluster.secure('scram-sha-512').kafka), {
      code: 'KAFKA_UNREACHABLE',
      message: /certificate/,
    });
  });

  it('goes on, exactly, while leaders and the coordinator move to another broker and back', async () => {
    const one = await scene('leaders', 200_000, 1);
    const stop = new AbortController();
    let commits = 0;
    const running = copyScene(one, kafka, kafka, {
      limits: { recordsPerSecond: 4_000, commitRecords: 1_000 },
      report: () => commits++,
      signal: stop.signal,
    });
    const more = async (what: string): Promise<void> => {
      const before = commits;
      const grown = () => Promise.resolve(commits >= before + 3);
      await Promise.race([waitUntil(what, grown, { timeoutMs: 60_000, everyMs: 20 }), failing(running)]);
    };
    await more('commits with two brokers');
    assert.deepEqual(await leadersOf(one.b), [1, 2]);
    await cluster.kill(2);
    await more('commits after a broker has died');
    assert.deepEqual(await leadersOf(one.b), [1]);
    await cluster.restart(2);
    const bothLead = async () => (await leadersOf(one.a)).length + (await leadersOf(one.b)).length === 4;
    await waitUntil('leaders to move back', bothLead, { timeoutMs: 60_000 });
    await more('commits after leaders moved back');
    stop.abort();
    const { outcome, faults } = await running;
    assert.equal(outcome, 'cancelled', 'the replay ended before the leaders had moved');
    assert.ok(faults.length > 0, 'nobody noticed the dead broker');
    assert.equal((await copyScene(one, kafka, kafka)).outcome, 'finished');
    await isExact(one);
  });

  it('ends with the name of what is not allowed, and goes on from its checkpoint once it is', async () => {
    const one = await scene('denied', 20_000, 2);
    const { kafka: config, ca } = cluster.secure('scram-sha-512');
    const secure = await KafkaConnection.open(config, { tls: { ca } });
    const admin = kafkaOf(cluster.config).admin();
    await admin.connect();
    const rule = (resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes) => ({
      resourceType,
      resourceName,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${USER.user}`,
      host: '*',
      operation,
      permissionType: AclPermissionTypes.DENY,
    });
    const denied = [
      [Of.TOPIC, one.a, May.READ, 'KAFKA_TOPIC_AUTHORIZATION_FAILED'],
      [Of.TOPIC, one.b, May.WRITE, 'KAFKA_TOPIC_AUTHORIZATION_FAILED'],
      [
        Of.TRANSACTIONAL_ID,
        one.slice.transactionalId,
        May.WRITE,
        'KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
      ],
    ] as const;
    try {
      for (const [resourceType, resourceName, operation, code] of denied) {
        const acl = rule(resourceType, resourceName, operation);
        await admin.createAcls({ acl: [acl] });
        await assert.rejects(copyLap(one, secure, secure, { limits: { commitRecords: 1_000 } }), {
          code,
          retryable: false,
        });
        await admin.deleteAcls({ filters: [acl] });
      }
      assert.deepEqual(await topics.read(one.b), []);
      assert.equal((await copyScene(one, secure, secure)).outcome, 'finished');
      await isExact(one);
    } finally {
      await Promise.all([secure.close(), admin.disconnect()]);
    }
  });

  it('ends when B refuses batches that it took before, and goes on once it takes them again', async () => {
    const one = await scene('smaller', 40_000, 3);
    const limit = (bytes: number) =>
      topics.admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: 2,
            name: one.b,
            configEntries: [
              { name: 'max.message.bytes', value: String(bytes) },
              { name: 'retention.ms', value: '-1' },
            ],
          },
        ],
      });
    let commits = 0;
    const running = copyScene(one, kafka, kafka, {
      limits: { recordsPerSecond: 5_000, commitRecords: 1_000 },
      report: () => commits++,
    });
    const begun = () => Promise.resolve(commits > 0);
    await Promise.race([waitUntil('a first commit', begun, { timeoutMs: 30_000 }), failing(running)]);
    await limit(500);
    await assert.rejects(running, { code: 'KAFKA_MESSAGE_TOO_LARGE', retryable: false });
    await limit(1_000_000);
    assert.equal((await copyScene(one, kafka, kafka)).outcome, 'finished');
    await isExact(one);
  });

  it('restores the newest of 100,000 checkpoints, and reads fewer of them once they are compacted', async () => {
    const place = { topic: CHECKPOINT_TOPIC, partition: 4, slice: 'replay/old/0' };
    const writer = await TransactionalWriter.open(kafka, { transactionalId: place.slice });
    const total = 100_000;
    let bytes = 0;
    for (let n = 1; n <= total; n++) {
      const next = Object.fromEntries(
        Array.from({ length: 4 }, (_, i) => [String(i), String(n * 1_000 + i)]),
      );
      const counts = { selected: n * 500, outside: n * 500, filtered: 0, unreadable: 0 };
      const record = checkpointRecord(place, { version: 1, next, counts, gaps: [], finished: false }, n);
      bytes += record.value?.length ?? 0;
      writer.write(place.topic, place.partition, record);
      if (n % 200 === 0) await writer.commit();
    }
    const whole = await restore(kafka, place);
    assert.deepEqual(whole.checkpoint?.next, {
      0: '100000000',
      1: '100000001',
      2: '100000002',
      3: '100000003',
    });
    const segments = Math.ceil(bytes / (8 << 20));
    assert.ok(segments >= 2, 'too few checkpoints to fill a segment');
    // What is left to read: the active segment, and of every closed one the newest checkpoint.
    const mostRecords = Math.ceil((8 << 20) / (bytes / total)) + segments;
    const restored = await waitUntil(
      'compacted checkpoints',
      async () => {
        const again = await restore(kafka, place);
        assert.deepEqual(again.checkpoint, whole.checkpoint);
        return again.recordsRead < mostRecords ? again : undefined;
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    );
    assert.ok(restored.recordsRead < total / 2, `${String(restored.recordsRead)} records`);
  });

  it('writes what the Java consumer reads, field by field, with every compression', async () => {
    const topic = await topics.create('for.java');
    for (const codec of COMPRESSIONS) {
      const builder = new RecordBatchBuilder();
      for (const record of VECTOR_RECORDS) builder.append(record);
      const batch = { topic, partition: 0, batch: await builder.sealAside(NO_PRODUCER, codec) };
      const leader = await kafka.leader(topic, 0, true);
      const [answer] = await kafka.send(leader, produceRequest(null, [batch], 30_000));
      assert.equal(answer?.errorCode, 0, codec);
    }
    const total = COMPRESSIONS.length * VECTOR_RECORDS.length;
    const print = ['timestamp', 'offset', 'headers', 'key', 'value'].map((field) => `print.${field}=true`);
    const properties = [...print, 'null.literal=(null)', 'key.separator=|'];
    const printed = await cluster.tool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...['--bootstrap-server', cluster.config.brokers[0] ?? '', '--topic', topic, '--from-beginning'],
      ...['--max-messages', String(total), '--timeout-ms', '60000'],
      ...properties.flatMap((property) => ['--formatter-property', property]),
    ]);
    const text = (bytes: Buffer | null | undefined) => bytes?.toString() ?? '(null)';
    const expected = COMPRESSIONS.flatMap((_codec, batch) =>
      VECTOR_RECORDS.map(({ timestampMs, headers = [], key, value }, index) => {
        const offset = batch * VECTOR_RECORDS.length + index;
        const shown = headers.map((header) => `${header.name}:${text(header.value)}`).join(',');
        return `CreateTime:${timestampMs}|Offset:${offset}|${shown || 'NO_HEADERS'}|${text(key)}|${text(value)}`;
      }),
    );
    assert.deepEqual(printed.split('\n'), expected);
  });

  async function leadersOf(topic: string): Promise<number[]> {
    const { partitions } = await kafka.topic(topic, true);
    return [...new Set(partitions.map(({ leader }) => leader))].sort();
  }
});

/** Rejects with what `running` rejects with; never resolves. */
async function failing(running: Promise<unknown>): Promise<never> {
  await running;
  return new Promise(() => undefined);
}
