import assert from 'node:assert/strict';
import { cleanJobId } from '../../../src/core/ids.js';
import { loginRemedy } from '../../../src/core/logins/remedy.js';
import { LOGIN_RULES } from '../../../src/core/logins/rules.js';
import { decodeProvenance, PROVENANCE_HEADER } from '../../../src/core/provenance.js';
import type { CleanPlan, CleanResult } from '../../../src/messages.js';
import { deadLetterJob } from '../../../src/stream/dead-letters/job.js';
import { listDeadLetters, showDeadLetter } from '../../../src/stream/dead-letters/look.js';
import { dryRunRedrive, redriveDeadLetters } from '../../../src/stream/dead-letters/redrive.js';
import { JobStore } from '../../../src/stream/job-store.js';
import { CleanScene } from '../../chaos/clean/scene.js';
import { useStack } from '../../support/stack.js';
import { decided } from '../../support/topic-records.js';
import { Topics } from '../../support/topics.js';

const LOGIN = {
  user_id: '424cdd21-063a-43a7-b91b-7ca1a833afae',
  app_version: '2.3.0',
  device_type: 'web',
  ip: '199.172.111.135',
  locale: 'RU',
  device_id: '593-47-5928',
  timestamp: '1795165200',
};
/** A device type that nobody knew is known now. */
const RULES = {
  ...LOGIN_RULES,
  device_type: {
    ...LOGIN_RULES.device_type,
    schema: LOGIN_RULES.device_type.schema.catch('web'),
  },
};

describe('dead letters of a job that cleans logins', function () {
  this.timeout(120_000);
  this.slow(30_000);
  const stack = useStack(['kafka']);
  const job = 'redriven';
  let scene: CleanScene;
  let topics: Topics;
  let plan: CleanPlan;

  before(async () => {
    const { config } = stack();
    topics = await Topics.open(config.kafka);
    scene = new CleanScene(config, 'redriven.logins');
    await scene.fill({ messages: 12_000, rate: 20, unknown: 0.05, seed: 21 });
    const comeBack = { ...LOGIN, device_type: 'fridge' };
    const headers = { 'tidemark.attempt': '2', trace: 't-1' };
    await topics.write(scene.topic, [{ partition: 1, value: JSON.stringify(comeBack), headers }]);
    const filter = 'value.locale != "DE"';
    const store = new JobStore<CleanPlan, CleanResult>(scene.connection, Date.now);
    const drafted = await scene.plan({ job, filter });
    ({ plan } = await store.plan(cleanJobId(job), drafted.digest, () => Promise.resolve(drafted)));
    await scene.cleanCalmly(plan);
    await decided(scene.connection, plan.dlq.topic);
  });
  after(async () => {
    await scene?.close();
    await topics?.close();
  });

  const expectedByReason = (): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const answer of scene.answers) {
      if (answer.type !== 'partition') continue;
      for (const [reason, count] of Object.entries(answer.dlq))
        counts[reason] = (counts[reason] ?? 0) + count;
    }
    counts.UNKNOWN_DEVICE_TYPE = (counts.UNKNOWN_DEVICE_TYPE ?? 0) + 1; // the one that came back
    return counts;
  };

  it('are listed as the generator says, under the job', async () => {
    const { letters, foreign, groups } = await listDeadLetters(scene.connection, plan.dlq.topic);
    const expected = expectedByReason();
    assert.deepEqual(Object.fromEntries(groups.map((group) => [group.reason, group.letters])), expected);
    assert.deepEqual(
      [letters, foreign, new Set(groups.map((group) => `${group.source} ${group.job}`))],
      [Object.values(expected).reduce((sum, count) => sum + count, 0), 0, new Set([`${scene.topic} ${job}`])],
    );
  });

  it('say how often they had been redriven, and keep the headers they came with', async () => {
    const places = await placesOf('fridge', 't-1');
    assert.equal(places.length, 1);
    const [partition = 0, offset = 0] = places[0]!.split(':').map(Number);
    const at = { topic: plan.dlq.topic, partition, offset };
    const shown = await showDeadLetter(scene.connection, at, loginRemedy());
    assert.deepEqual(
      [shown.attempt, shown.today, shown.headers.map(({ name }) => name).sort()],
      [2, 'UNKNOWN_DEVICE_TYPE', ['tidemark.attempt', 'trace']],
    );
  });

  it('are redriven to where the job writes, but for what its filter leaves out', async () => {
    const { input } = await deadLetterJob(scene.connection, Date.now, { job });
    assert.deepEqual([input.topic, input.target], [plan.dlq.topic, plan.clean.topic]);
    const remedy = loginRemedy(RULES, plan.spec.filter);
    const deps = { kafka: scene.connection, admin: topics.admin, now: Date.now, remedy };
    const before = new Set(await origins());
    const wanted = await wantedOrigins();
    assert.ok(wanted.passing.length > 100 && wanted.filtered > 10);
    const dry = await dryRunRedrive(deps, input);
    const ofType = dry.groups.filter(({ reason }) => reason.endsWith('_DEVICE_TYPE'));
    const filtered = ofType.reduce((sum, group) => sum + group.filtered, 0);
    assert.deepEqual([dry.passes, filtered], [wanted.passing.length, wanted.filtered]);
    const report = await redriveDeadLetters(deps, input);
    assert.equal(report.passes, wanted.passing.length);
    await redriveDeadLetters(deps, input);
    const after = await origins();
    assert.equal(after.length, before.size + wanted.passing.length);
    assert.deepEqual(after.filter((origin) => !before.has(origin)).sort(), wanted.passing.sort());
  });

  /** Coordinates in the source of every clean record. */
  const origins = async (): Promise<string[]> => {
    const found: string[] = [];
    await scene.each(plan.clean.topic, (cursor) => {
      const { partition, offset } = decodeProvenance(cursor.header(PROVENANCE_HEADER)!)!;
      found.push(`${partition}:${offset}`);
    });
    return found;
  };

  /** By the bytes in the source: of a device type that is text and none of those known, by country. */
  const wantedOrigins = async (): Promise<{ passing: string[]; filtered: number }> => {
    const passing: string[] = [];
    let filtered = 0;
    await scene.each(scene.topic, (cursor, partition) => {
      const bytes = cursor.value()?.toString() ?? '';
      const unknown = /"device_type":"(toaster|Windows Phone|BlackBerry|symbian|smart-tv|fridge)"/;
      const invalid = /"device_type":(7|true|\{\}|\["android"\])/;
      if (!unknown.test(bytes) && !invalid.test(bytes)) return;
      if (/"locale":"de"/i.test(bytes)) filtered++;
      else passing.push(`${partition}:${cursor.offset}`);
    });
    return { passing, filtered };
  };

  /** Places in the topic of dead letters whose value holds a text and whose header `trace` is this. */
  const placesOf = async (text: string, trace: string): Promise<string[]> => {
    const found: string[] = [];
    await scene.each(plan.dlq.topic, (cursor, partition) => {
      const isIt = cursor.value()?.toString().includes(text) && cursor.header('trace')?.toString() === trace;
      if (isIt) found.push(`${partition}:${cursor.offset}`);
    });
    return found;
  };
});
