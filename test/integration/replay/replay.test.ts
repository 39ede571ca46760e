import assert from 'node:assert/strict';
import { Partitioners } from 'kafkajs';
import { Tidemark } from '../../../src/client.js';
import { PipelineError } from '../../../src/core/errors.js';
import type { ReplayInput, ReplayResult, ReplayStatus } from '../../../src/messages.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { NO_PRODUCER, RecordBatchBuilder } from '../../../src/stream/record-batch-builder.js';
import { produceRequest } from '../../../src/stream/requests.js';
import { waitUntil } from '../../../src/wait-until.js';
import { readAll } from '../../chaos/replay/scene.js';
import { useStack } from '../../support/stack.js';
import { Topics, type NewRecord, type PlainRecord } from '../../support/topics.js';
import { startReplayControl } from '../../support/start-replay-control.js';
import type { WorkerProcess } from '../../support/worker-process.js';

const at = (time: string): number => Date.parse(`2021-07-11T${time}Z`);
const WINDOW = { fromMs: at('11:00:00'), toMs: at('13:00:00') };
const HOUR_MS = 3_600_000;
const textOf = (index: number): Buffer => Buffer.from(String(index));

describe('replaying a range of a topic', function () {
  this.timeout(120_000);
  this.slow(20_000);
  const stack = useStack(['kafka', 'temporal', 'stream']);
  let topics: Topics;
  let tidemark: Tidemark;
  let control: WorkerProcess;

  before(async function () {
    this.timeout(300_000);
    topics = await Topics.open(stack().config.kafka);
    tidemark = new Tidemark(stack().config);
    control = await startReplayControl(stack());
  });
  after(async () => {
    await control.end();
    await tidemark.close();
    await topics.close();
  });

  async function replay(job: string, input: Partial<ReplayInput> = {}): Promise<ReplayResult> {
    const full = { job, source: `${job}.a`, target: `${job}.b`, selection: { window: WINDOW }, ...input };
    await tidemark.replay.start(full);
    return tidemark.replay.wait(job);
  }

  /** A with these records, B empty. */
  async function twoTopics(
    job: string,
    records: readonly NewRecord[],
    { a = 1, b = a, config = {} }: { a?: number; b?: number; config?: Record<string, string> } = {},
  ): Promise<void> {
    await topics.create(`${job}.a`, a);
    if (b > 0) await topics.create(`${job}.b`, b, config);
    await topics.write(`${job}.a`, records);
  }

  const valuesOf = (records: readonly PlainRecord[]): (string | null)[] => records.map(({ value }) => value);

  it('takes records out of order at both edges of the window, and keeps all of each record', async () => {
    const times = [
      '11:00:00',
      '10:59:59.999',
      '12:59:59.999',
      '13:00:00',
      '10:00:00',
      '12:00:00',
      '14:00:00',
      '11:30:00',
    ];
    await twoTopics(
      'edges',
      times.map((time, index) => ({
        timestampMs: at(time),
        key: index === 5 ? null : `k${String(index)}`,
        value: index === 7 ? null : `v${String(index)}`,
        headers: { trace: 't' },
      })),
    );
    const result = await replay('edges');
    const found = await topics.read('edges.b');
    assert.deepEqual(
      found.map(({ key, value, timestampMs, headers }) => ({ key, value, timestampMs, headers })),
      [0, 2, 5, 7].map((index) => ({
        key: index === 5 ? null : `k${String(index)}`,
        value: index === 7 ? null : `v${String(index)}`,
        timestampMs: at(times[index] ?? ''),
        headers: ['trace', 'tidemark'],
      })),
    );
    assert.equal(result.counts.selected, 4);
    assert.equal(result.verification?.verdict, 'passed');
    assert.deepEqual(result.gaps, []);
  });

  it('answers a second start with the recorded result, and copies nothing again', async () => {
    await twoTopics('again', [{ timestampMs: at('11:00:00'), value: 'one' }]);
    const first = await replay('again');
    await topics.write('again.a', [{ timestampMs: at('11:00:00'), value: 'late' }]);
    const second = await replay('again');
    assert.deepEqual(second, { ...first, reused: true });
    assert.deepEqual(valuesOf(await topics.read('again.b')), ['one']);
  });

  it('refuses a used name with other input', async () => {
    await twoTopics('named', [{ timestampMs: at('11:00:00'), value: 'one' }]);
    await replay('named');
    const selection = { window: { ...WINDOW, toMs: at('14:00:00') } };
    await assert.rejects(replay('named', { selection }), { code: 'JOB_EXISTS' });
  });

  it('refuses a missing target, and makes it when asked to: for records of any age', async () => {
    await twoTopics('missing', [{ timestampMs: at('11:00:00'), value: 'one' }], { a: 3, b: 0 });
    await assert.rejects(replay('missing'), { code: 'TOPIC_MISSING' });
    await replay('missing', { createTarget: true });
    assert.deepEqual(valuesOf(await topics.read('missing.b')), ['one']);
    const { resources } = await topics.admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: 'missing.b' }],
    });
    const retention = resources[0]?.configEntries.find(({ configName }) => configName === 'retention.ms');
    assert.equal(retention?.configValue, '-1');
    assert.equal(
      (await topics.admin.fetchTopicMetadata({ topics: ['missing.b'] })).topics[0]?.partitions.length,
      3,
    );
  });

  for (const [a, b] of [
    [2, 5],
    [5, 2],
  ] as const) {
    it(`keeps the order of every key from ${String(a)} partitions to ${String(b)}`, async () => {
      const job = `resized.${String(a)}`;
      const records = Array.from({ length: 300 }, (_, index) => ({
        partition: index % a,
        key: index % 17 === 0 ? null : `p${String(index % a)}-k${String(index % 13)}`,
        value: String(index),
        timestampMs: at('11:00:00') + index,
      }));
      await twoTopics(job, records, { a, b });
      const result = await replay(job);
      assert.equal(result.verification?.verdict, 'passed');
      assert.match(result.warnings.join(), /partitions/);
      const found = await topics.read(`${job}.b`);
      assert.equal(found.length, 300);
      const orderOf = (all: readonly { key?: string | null; value?: string | null }[], key: string) =>
        all.filter((record) => record.key === key).map(({ value }) => value);
      for (const key of new Set(records.map((record) => record.key).filter((one) => one !== null))) {
        assert.deepEqual(orderOf(found, key), orderOf(records, key));
        assert.equal(
          new Set(found.filter((one) => one.key === key).map(({ partition }) => partition)).size,
          1,
        );
      }
      // kafkajs places a key as Java does: another program says where each belongs.
      await topics.create(`${job}.java`, b);
      const producer = topics.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
      await producer.connect();
      await producer.send({
        topic: `${job}.java`,
        messages: records.flatMap(({ key, value }) => (key === null ? [] : [{ key, value }])),
      });
      await producer.disconnect();
      const placed = new Map(
        (await topics.read(`${job}.java`)).map(({ key, partition }) => [key, partition]),
      );
      for (const { key, partition } of found) if (key !== null) assert.equal(partition, placed.get(key));
    });
  }

  it('says that an empty window has matched nothing, and ends well when that is accepted', async () => {
    await twoTopics('empty', [{ timestampMs: at('09:00:00'), value: 'one' }]);
    await assert.rejects(replay('empty'), { code: 'NOTHING_SELECTED' });
    const result = await replay('empty', { allowEmpty: true });
    assert.equal(result.counts.selected, 0);
  });

  it('refuses a window that lies in the future', async () => {
    await twoTopics('future', [{ value: 'one' }]);
    const fromMs = Date.now() + HOUR_MS;
    const selection = { window: { fromMs, toMs: fromMs + HOUR_MS } };
    await assert.rejects(replay('future', { selection }), { code: 'BAD_REPLAY', message: /future/ });
  });

  it('names every fault of a selection before anything starts', async () => {
    await twoTopics('faulty', [{ value: 'one' }]);
    const selection = { window: { fromMs: 2, toMs: 1 }, filter: 'value.a ==' };
    await assert.rejects(replay('faulty', { selection }), {
      code: 'BAD_SELECTION',
      message: /ends before it begins.*not a CEL expression/s,
    });
  });

  const refusals: readonly {
    readonly name: string;
    readonly job: string;
    readonly config: Record<string, string>;
    readonly timestampMs: () => number;
    readonly selection?: ReplayInput['selection'];
    readonly setting: string;
  }[] = [
    {
      name: 'records of 2021 into default retention',
      job: 'refused.old',
      config: { 'retention.ms': '604800000' },
      timestampMs: () => at('11:00:00'),
      setting: 'retention.ms',
    },
    {
      name: 'records of 2021 into default retention, found one by one',
      job: 'refused.old2',
      config: { 'retention.ms': '604800000' },
      timestampMs: () => at('11:00:00'),
      selection: {},
      setting: 'retention.ms',
    },
    {
      name: 'records two hours ahead',
      job: 'refused.ahead',
      config: { 'message.timestamp.after.max.ms': String(HOUR_MS) },
      timestampMs: () => Date.now() + 2 * HOUR_MS,
      selection: {},
      setting: 'message.timestamp.after.max.ms',
    },
    {
      name: 'a B that stamps records itself',
      job: 'refused.append',
      config: { 'message.timestamp.type': 'LogAppendTime' },
      timestampMs: () => at('11:00:00'),
      setting: 'message.timestamp.type',
    },
    {
      name: 'a B that is compacted',
      job: 'refused.compact',
      config: { 'cleanup.policy': 'compact' },
      timestampMs: () => at('11:00:00'),
      setting: 'cleanup.policy',
    },
    {
      name: 'a B whose broker would refuse every write',
      job: 'refused.isr',
      config: { 'min.insync.replicas': '2' },
      timestampMs: () => at('11:00:00'),
      setting: 'min.insync.replicas',
    },
    {
      name: 'a record larger than B takes',
      job: 'refused.size',
      config: { 'max.message.bytes': '2000' },
      timestampMs: () => at('11:00:00'),
      setting: 'max.message.bytes',
    },
  ];
  for (const { name, job, config, timestampMs, selection, setting } of refusals) {
    it(`refuses ${name}, naming ${setting}`, async () => {
      await topics.create(`${job}.a`, 1, { 'message.timestamp.after.max.ms': '9223372036854775807' });
      await topics.create(`${job}.b`, 1, config);
      await topics.write(`${job}.a`, [{ timestampMs: timestampMs(), key: 'k', value: 'x'.repeat(3_000) }]);
      await assert.rejects(replay(job, selection && { selection }), {
        code: 'TARGET_LIMITS',
        message: new RegExp(setting.replaceAll('.', '\\.')),
      });
      assert.deepEqual(await topics.read(`${job}.b`), []);
    });
  }

  it('writes into a B that stamps records itself when asked for times of now', async () => {
    await twoTopics('stamped', [{ timestampMs: at('11:00:00'), value: 'one' }], {
      config: { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '604800000' },
    });
    const before = Date.now();
    const result = await replay('stamped', { timestamps: 'now' });
    assert.equal(result.verification?.verdict, 'passed');
    const [record] = await topics.read('stamped.b');
    assert.ok(record && record.timestampMs >= before - 1_000);
  });

  it('ends with a gap when A has lost records of an asked range, unless that is accepted', async () => {
    await twoTopics(
      'expired',
      Array.from({ length: 10 }, (_, i) => ({ timestampMs: at('11:00:00'), value: String(i) })),
    );
    await topics.truncate('expired.a', 0, 4);
    const ranges = [{ partition: 0, startOffset: '2', endOffset: '8' }];
    await assert.rejects(replay('expired', { ranges }), { code: 'GAP', message: /\[2, 4\)/ });
    const result = await replay('expired', { ranges, allowGaps: true });
    assert.deepEqual(result.gaps, [{ partition: 0, startOffset: '2', endOffset: '4', reason: 'expired' }]);
    assert.deepEqual(valuesOf(await topics.read('expired.b')), ['4', '5', '6', '7']);
  });

  it('ends with a gap when A is truncated while it is read', async () => {
    const records = Array.from({ length: 4_000 }, (_, i) => ({
      timestampMs: at('11:00:00'),
      value: `${String(i)}-${'x'.repeat(2_000)}`,
    }));
    await twoTopics('truncated', records);
    const running = replay('truncated', { rate: { recordsPerSecond: 200 } });
    await copied('truncated');
    await topics.truncate('truncated.a', 0, 3990);
    await tidemark.replay.rate('truncated', {});
    await assert.rejects(running, { code: 'GAP' });
    const result = await replay('truncated', { allowGaps: true });
    const found = await topics.read('truncated.b');
    const [gap] = result.gaps;
    assert.equal(gap?.endOffset, '3990');
    const lost = Number(gap.endOffset) - Number(gap.startOffset);
    assert.equal(found.length, 4_000 - lost);
    assert.equal(result.verification?.verdict, 'inconclusive');
  });

  it('ends when A is deleted and created again while it is read', async () => {
    const records = Array.from({ length: 2_000 }, (_, i) => ({
      timestampMs: at('11:00:00'),
      value: String(i),
    }));
    await twoTopics('recreated', records);
    const running = replay('recreated', { rate: { recordsPerSecond: 200 } });
    await copied('recreated');
    await topics.admin.deleteTopics({ topics: ['recreated.a'] });
    await assert.rejects(running, { code: /TOPIC_MISSING|TOPIC_RECREATED/ });
    await topics.create('recreated.a');
    await topics.write(
      'recreated.a',
      records.map((record) => ({ ...record, value: 'other' })),
    );
    await assert.rejects(replay('recreated', { allowGaps: true }), { code: 'TOPIC_RECREATED' });
    assert.ok(!valuesOf(await topics.read('recreated.b')).includes('other'));
  });

  it('copies a batch of 200,000 records, larger than any other client takes, in order', async () => {
    const total = 200_000;
    await topics.create('huge.a', 1, { 'max.message.bytes': String(64 << 20) });
    await topics.create('huge.b');
    const builder = new RecordBatchBuilder();
    for (let index = 0; index < total; index++) {
      builder.append({ timestampMs: at('11:00:00') + (index % 7_200_001), key: null, value: textOf(index) });
    }
    const kafka = await KafkaConnection.open(stack().config.kafka);
    const batch = { topic: 'huge.a', partition: 0, batch: await builder.sealAside(NO_PRODUCER, 'zstd') };
    const [answer] = await kafka.send(
      await kafka.leader('huge.a', 0, true),
      produceRequest(null, [batch], 30_000),
    );
    await kafka.close();
    assert.equal(answer?.errorCode, 0);
    const result = await replay('huge');
    assert.deepEqual([result.counts.selected, result.verification?.verdict], [total, 'passed']);
    let next = 0;
    await readAll(topics.kafka, 'huge.b', (_partition, { value }) => {
      assert.equal(value?.toString(), String(next++));
    });
    assert.equal(next, total);
  });

  it('does not follow records back to where they came from', async () => {
    await twoTopics('loop', [{ timestampMs: at('11:00:00'), value: 'one' }]);
    await replay('loop');
    const back = await replay('loop.back', { source: 'loop.b', target: 'loop.a', allowEmpty: true });
    assert.equal(back.counts.looped, 1);
    assert.deepEqual(valuesOf(await topics.read('loop.a')), ['one']);
  });

  it('pauses, resumes with another rate and ends exactly', async () => {
    const records = Array.from({ length: 5_000 }, (_, i) => ({
      timestampMs: at('11:00:00'),
      value: String(i),
    }));
    await twoTopics('paused', records);
    const running = replay('paused', { rate: { recordsPerSecond: 300 } });
    await copied('paused');
    await tidemark.replay.pause('paused');
    const paused = await statusWhen('paused', ({ state }) => state === 'paused');
    assert.ok(Number(paused.done) < 5_000);
    const held = (await topics.read('paused.b')).length;
    assert.equal((await topics.read('paused.b')).length, held);
    await tidemark.replay.rate('paused', {});
    await tidemark.replay.resume('paused');
    const result = await running;
    assert.equal(result.counts.selected, 5_000);
    assert.deepEqual(
      valuesOf(await topics.read('paused.b')),
      records.map(({ value }) => value),
    );
    assert.equal((await tidemark.replay.verify('paused')).verdict, 'passed');
    assert.equal((await tidemark.replay.evidence('paused')).plan.digest.length, 64);
  });

  it('goes on where it was after it was cancelled', async () => {
    const records = Array.from({ length: 2_000 }, (_, i) => ({
      timestampMs: at('11:00:00'),
      value: String(i),
    }));
    await twoTopics('cancelled', records);
    const running = replay('cancelled', { rate: { recordsPerSecond: 200 } });
    await copied('cancelled');
    await tidemark.replay.cancel('cancelled');
    await assert.rejects(running, { code: 'WORKFLOW_ENDED', message: /cancelled/ });
    await replay('cancelled');
    assert.deepEqual(
      valuesOf(await topics.read('cancelled.b')),
      records.map(({ value }) => value),
    );
  });

  it('tells what it would do without writing anything', async () => {
    const records = Array.from({ length: 20 }, (_, i) => ({
      partition: i % 2,
      timestampMs: at('11:00:00'),
      key: `k${String(i)}`,
      value: JSON.stringify({ user: { id: i }, at: i < 15 ? '2021-07-11 11:30:00' : 'never' }),
    }));
    await twoTopics('dry', records, { a: 2 });
    const selection = {
      window: WINDOW,
      timeField: 'at',
      filter: 'int(value.user.id) % 3 == 0 && offset < 10 && partition >= 0',
    };
    const dry = await tidemark.replay.plan({ job: 'dry', source: 'dry.a', target: 'dry.b', selection });
    const total = (verdict: string): number =>
      dry.partitions.reduce((sum, { counts }) => sum + (counts[verdict] ?? 0), 0);
    assert.deepEqual([total('selected'), total('filtered'), total('unreadable')], [5, 10, 5]);
    assert.equal(dry.sample.length, 5);
    assert.deepEqual(await topics.read('dry.b'), []);
    await assert.rejects(tidemark.replay.status('dry'), { code: 'NO_REPLAY' });
  });

  it('fills exactly what B lacks: by provenance, then by key, time and content, as often as A has it', async () => {
    const values = ['a', 'b', 'b', 'b', 'c', 'd', 'e'];
    const records = values.map((value, i) => ({
      timestampMs: at('11:00:00') + (value === 'b' ? 0 : i),
      key: 'k',
      value,
    }));
    await twoTopics('filled', records);
    // By a replay: offset 0. By another producer: one of the three equal records, and one of another time.
    const ranges = [{ partition: 0, startOffset: '0', endOffset: '1' }];
    await replay('filled', { ranges });
    await topics.write('filled.b', [
      { timestampMs: at('11:00:00'), key: 'k', value: 'b' },
      { timestampMs: at('11:30:00'), key: 'k', value: 'd' },
    ]);
    const both = { source: 'filled.a', target: 'filled.b', selection: { window: WINDOW } };
    const lacking = await tidemark.replay.gaps(both);
    assert.deepEqual([lacking.missing, lacking.selected], ['5', '7']);
    assert.deepEqual(lacking.lacks, [
      { kind: 'gap', partition: 0, startOffset: '2', endOffset: '7', records: '5' },
    ]);
    const result = await replay('filled.rest', { ...both, fill: true });
    assert.deepEqual([result.counts.selected, result.counts.present], [5, 2]);
    assert.equal(result.verification?.verdict, 'passed');
    const found = valuesOf(await topics.read('filled.b')).sort();
    assert.deepEqual(found, [...values, 'd'].sort());
    assert.equal((await tidemark.replay.gaps(both)).missing, '0');
  });

  /** Resolves once some but not all of a job's records are in B. */
  async function copied(job: string): Promise<void> {
    await statusWhen(job, ({ counts }) => (counts.selected ?? 0) > 0);
  }

  async function statusWhen(
    job: string,
    isReached: (status: ReplayStatus) => boolean,
  ): Promise<ReplayStatus> {
    return waitUntil(
      `replay ${job}`,
      async () => {
        const status = await tidemark.replay.status(job).catch((error: unknown) => {
          if (error instanceof PipelineError && error.code === 'NO_REPLAY') return undefined; // not planned yet
          throw error;
        });
        return status && isReached(status) ? status : undefined;
      },
      { timeoutMs: 30_000 },
    );
  }
});
