import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tidemark } from '../../../src/client.js';
import { STACK_FILE, type Config } from '../../../src/config.js';
import { STREAM_QUEUE } from '../../../src/core/ids.js';
import { KafkaCluster } from '../../support/kafka-cluster.js';
import { useStack } from '../../support/stack.js';
import { Topics } from '../../support/topics.js';
import { startReplayControl } from '../../support/start-replay-control.js';
import { WorkerProcess } from '../../support/worker-process.js';

const at = (time: string): number => Date.parse(`2021-07-11T${time}Z`);
const WINDOW = { fromMs: at('11:00:00'), toMs: at('13:00:00') };

describe('replaying from a topic of another cluster', function () {
  this.timeout(120_000);
  this.slow(30_000);
  const stack = useStack(['kafka', 'temporal'], { own: true });
  let other: KafkaCluster;
  let there: Topics;
  let here: Topics;
  let config: Config;
  let tidemark: Tidemark;
  let workers: WorkerProcess[] = [];

  before(async function () {
    this.timeout(600_000);
    other = await KafkaCluster.start(1);
    there = await Topics.open(other.config);
    here = await Topics.open(stack().config.kafka);
    config = { ...stack().config, clusters: { old: other.config } };
    const file = join(stack().dataDir, `with-clusters-${STACK_FILE}`);
    const text = readFileSync(join(stack().dataDir, STACK_FILE), 'utf8');
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(text) as object), clusters: config.clusters }));
    const stream = new WorkerProcess(stack(), 'src/workers/stream.js', file);
    workers = [stream];
    await stream.polls(stack(), STREAM_QUEUE, 'activity');
    workers.push(await startReplayControl(stack(), file));
    tidemark = new Tidemark(config);
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.end()));
    await Promise.all([tidemark?.close(), there?.close(), here?.close()]);
    await other?.stop();
  });

  const values = Array.from({ length: 400 }, (_, index) => String(index));
  const records = values.map((value, index) => ({
    partition: index % 2,
    value,
    // A record a minute from 09:00 on: those of 11:00 to 13:00 are 120 to 239.
    timestampMs: at('09:00:00') + index * 60_000,
  }));
  const selected = values.slice(120, 240);

  it('copies, verifies, fills and says what is lacking; B and the checkpoints are on the own cluster', async () => {
    // The same name on both: told apart by cluster and topic id.
    await there.create('moved', 2);
    await there.write('moved', records);
    const input = { source: 'moved', sourceCluster: 'old', target: 'moved', selection: { window: WINDOW } };
    await tidemark.replay.start({ ...input, job: 'moved', createTarget: true });
    const result = await tidemark.replay.wait('moved');
    assert.deepEqual([result.counts.selected, result.verification?.verdict], [120, 'passed']);
    const found = await here.read('moved');
    assert.deepEqual(
      found.map(({ value }) => Number(value)).sort((a, b) => a - b),
      selected.map(Number),
    );
    assert.equal((await tidemark.replay.verify('moved')).verdict, 'passed');
    const wider = { ...input, selection: { window: { ...WINDOW, toMs: at('14:00:00') } } };
    assert.equal((await tidemark.replay.gaps(wider)).missing, '60');
    await tidemark.replay.start({ ...wider, job: 'moved.rest', fill: true });
    const rest = await tidemark.replay.wait('moved.rest');
    assert.deepEqual([rest.counts.selected, rest.counts.present], [60, 120]);
    assert.equal((await here.read('moved')).length, 180);
    assert.deepEqual(await there.admin.listTopics(), ['moved']);
  });

  it('names the clusters there are when asked for another, and an A that is not there', async () => {
    const input = { job: 'lost', source: 'moved', target: 'moved', selection: {}, sourceCluster: 'new' };
    await tidemark.replay.start(input);
    await assert.rejects(tidemark.replay.wait('lost'), {
      code: 'UNKNOWN_CLUSTER',
      message: /there are: old/,
    });
    await assert.rejects(tidemark.replay.plan({ ...input, sourceCluster: 'old', source: 'nowhere' }), {
      code: 'TOPIC_MISSING',
    });
  });
});
