import assert from 'node:assert/strict';
import { Tidemark } from '../../../src/client.js';
import type { CountPlan } from '../../../src/messages.js';
import { waitUntil } from '../../../src/wait-until.js';
import { PARTITIONS } from '../../chaos/job/scene.js';
import { exactFaults } from '../../chaos/count/compare.js';
import { CountScene } from '../../chaos/count/scene.js';
import { startJobWorkers } from '../../support/job-workers.js';
import { quietTemporal } from '../../support/workflow-server.js';
import { useStack } from '../../support/stack.js';

const FRAMES = 40_000;
const SHAPE = { frames: FRAMES, users: 3_000, bytes: 120, perSecond: 40 };

describe('integration: countUniqueUsers', function () {
  this.timeout(180_000);
  this.slow(60_000);
  const stack = useStack(['kafka', 'temporal'], { own: true });
  let scene: CountScene;
  let tidemark: Tidemark;
  let stopWorkers: () => Promise<void>;

  before(async () => {
    quietTemporal();
    const { config } = stack();
    scene = new CountScene(config, 'job.frames');
    await scene.fill(SHAPE);
    stopWorkers = await startJobWorkers(config, scene.connection);
    tidemark = new Tidemark(config);
  });
  after(async () => {
    await tidemark?.close();
    await stopWorkers?.();
    await scene?.close();
  });

  const BOUNDED = {
    job: 'bounded',
    source: 'job.frames',
    target: 'bounded.results',
    bounded: true,
    slices: 2,
  };

  it('counts a bounded topic in slices and is right by the exact answer', async () => {
    await tidemark.count.start(BOUNDED);
    const result = await tidemark.count.wait('bounded');
    assert.deepEqual([result.outcome, result.reused, result.gaps], ['finished', false, []]);
    assert.deepEqual(
      [result.counts.read, (result.counts.accept ?? 0) + (result.counts.late ?? 0)],
      [FRAMES, FRAMES],
    );
    const { plan, done, total, state } = await tidemark.count.status('bounded');
    assert.deepEqual([state, done, total], ['finished', String(FRAMES), String(FRAMES)]);
    assert.equal(plan?.slices.length, 2);
    assert.deepEqual(exactFaults(scene.answers, await scene.outcome(plan), 4.5), []);
  });

  it('answers a second start with the record, and refuses another job of the same name', async () => {
    await tidemark.count.start(BOUNDED);
    const again = await tidemark.count.wait('bounded');
    assert.deepEqual([again.outcome, again.reused], ['finished', true]);
    await tidemark.count.start({ ...BOUNDED, precision: 10 });
    await assert.rejects(tidemark.count.wait('bounded'), { code: 'JOB_EXISTS' });
  });

  it('says what is wrong before it starts, and which topic is missing', async () => {
    await assert.rejects(tidemark.count.start({ ...BOUNDED, job: 'a b', precision: 3 }), {
      code: 'BAD_COUNT',
      message: /name.*precision/,
    });
    await tidemark.count.start({ ...BOUNDED, job: 'missing', source: 'no.such.topic' });
    await assert.rejects(tidemark.count.wait('missing'), { code: 'TOPIC_MISSING' });
    await assert.rejects(tidemark.count.status('never'), { code: 'NO_COUNT' });
  });

  it('follows a topic, stops, and goes on where it was when started again', async () => {
    const live = { job: 'live', source: 'job.frames', target: 'live.results', slices: 2, provisionalMs: 500 };
    await tidemark.count.start(live);
    const read = async (frames: number): Promise<CountPlan> => {
      const status = await waitUntil(
        `${frames} frames`,
        async () => {
          const now = await tidemark.count.status('live');
          return now.counts.read === frames && now;
        },
        { timeoutMs: 60_000, everyMs: 300 },
      );
      assert.equal(status.state, 'counting');
      assert.equal(status.total, null);
      return status.plan!;
    };
    const plan = await read(FRAMES);
    await tidemark.count.start({ ...live, requestedBy: 'somebody else' });
    await assert.rejects(tidemark.count.start({ ...live, precision: 10, slices: 3 }), {
      code: 'JOB_EXISTS',
      message: /^starting count live: .* running with other options \(precision, slices\)/,
    });
    const stopped = await tidemark.count.stop('live');
    assert.equal(stopped.outcome, 'stopped');
    assert.equal((await tidemark.count.status('live')).state, 'stopped');
    await scene.fill({ ...SHAPE, seed: 9, frames: 8_000, fromS: 1_468_244_340 + FRAMES / 40 });
    await tidemark.count.start({ ...live, slices: 3 });
    await assert.rejects(tidemark.count.wait('live'), { code: 'JOB_EXISTS', message: /begun with 2 slices/ });
    await tidemark.count.start({ ...live, provisionalMs: 300, allowGaps: true });
    const { provisionalMs, allowGaps } = await read(FRAMES + 8_000);
    assert.deepEqual([provisionalMs, allowGaps], [300, true]);
    const counted = await waitUntil(
      'provisional results of all frames',
      async () => {
        const { newest } = await scene.outcome(plan);
        return newest.get('day/2016-07-11T00:00:00Z')?.frames === FRAMES + 8_000 && newest;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
    assert.equal(counted.get('minute/2016-07-11T13:40:00Z')?.status, 'final');
    assert.equal(counted.get('day/2016-07-11T00:00:00Z')?.status, 'provisional');
    await tidemark.count.stop('live');
  });

  it('gives the exact finals of frames that come while it runs, late and wild ones among them', async () => {
    const flow = new CountScene(stack().config, 'flow.frames');
    try {
      await flow.fill({ frames: 0 });
      const live = { job: 'flow', source: flow.topic, target: 'flow.results', slices: 2, confirmFrames: 20 };
      await tidemark.count.start(live);
      const read = async (): Promise<number> => (await tidemark.count.status('flow')).counts.read ?? 0;
      const readUpTo = (frames: number): Promise<unknown> =>
        waitUntil(`${frames} frames`, async () => (await read()) >= frames, {
          timeoutMs: 60_000,
          everyMs: 100,
        });
      const faults = { lateShare: 0.02, lateS: 600, flips: 15, malformed: 20 };
      await flow.trickle({ ...SHAPE, ...faults }, FRAMES / 8, readUpTo);
      // Frames of a later year, enough in every partition to agree: the time of the others is over, and all of it final.
      const later = Date.parse('2018-02-03T04:05:06Z') / 1_000;
      await flow.write(Array<object>(PARTITIONS * 40).fill({ ts: later, uid: 'of a later year' }));
      const { plan } = await tidemark.count.status('flow');
      const finals = async (): Promise<string[]> => {
        const outcome = await flow.outcome(plan!);
        const newest = [...outcome.newest].filter(([, { start }]) => start < '2018');
        return exactFaults(flow.answers, { ...outcome, newest: new Map(newest) }, 4.5);
      };
      let found = ['nothing read yet'];
      await waitUntil('finals', async () => (found = await finals()).length === 0, {
        timeoutMs: 30_000,
        everyMs: 500,
      }).catch(() => undefined);
      assert.deepEqual(found, []);
      const { counts, outcome } = await tidemark.count.stop('flow');
      assert.deepEqual([outcome, counts.read], ['stopped', FRAMES + PARTITIONS * 40]);
    } finally {
      await flow.close();
    }
  });
});
