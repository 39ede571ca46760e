import assert from 'node:assert/strict';
import { DEAD_LETTER_HEADERS, openDeadLetter } from '../../../src/core/dead-letter.js';
import { Random } from '../../../src/generate/random.js';
import type { RecordHeader } from '../../../src/stream/record-batch.js';
import { CleanScene } from '../../chaos/clean/scene.js';
import { PARTITIONS } from '../../chaos/job/scene.js';
import { useStack } from '../../support/stack.js';

const SEED = Number(process.env.TIDEMARK_SEED ?? 20261121);
const MESSAGES = 8_000;
const SAMPLE =
  '{"user_id":"424cdd21-063a-43a7-b91b-7ca1a833afae","app_version":"2.3.0","device_type":"android","ip":"199.172.111.135",' +
  '"locale":"RU","device_id":"593-47-5928","timestamp":"1694479551"}';

interface Sent {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

const bytes = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: random.int(0, most) }, () => random.int(0, 255)));

/** Noise, tombstones, the sample, and the sample with some of its bytes changed or cut off. */
function anyValue(random: Random): Buffer | null {
  switch (random.int(0, 5)) {
    case 0:
      return null;
    case 1:
      return bytes(random, 200);
    case 2:
      return Buffer.from(SAMPLE);
    case 3:
      return Buffer.from(SAMPLE.slice(0, random.int(0, SAMPLE.length)));
    default: {
      const value = Buffer.from(SAMPLE);
      for (let i = random.int(0, 4); i > 0; i--) value[random.int(0, value.length - 1)] = random.int(0, 255);
      return value;
    }
  }
}

describe(`cleaning any bytes (seed ${SEED})`, function () {
  this.timeout(120_000);
  const stack = useStack(['kafka']);
  let scene: CleanScene;
  after(() => scene?.close());

  it('ends each message in exactly one of clean, dlq and filtered; dead letters are what came, byte by byte', async () => {
    const random = Random.of(SEED, 3);
    scene = new CleanScene(stack().config, 'any.bytes');
    const writer = await scene.openTopic();
    const sent: Sent[][] = Array.from({ length: PARTITIONS }, () => []);
    for (let i = 0; i < MESSAGES; i++) {
      const headers = Array.from({ length: random.int(0, 2) }, () => ({
        name: random.pick(['trace', '', 'ключ', 'tidemark', 'tidemark.reason']),
        value: random.pick([null, bytes(random, 20)]),
      }));
      const message = { key: random.pick([null, bytes(random, 10)]), value: anyValue(random), headers };
      sent[i % PARTITIONS]!.push(message);
      await writer.add(i % PARTITIONS, { timestampMs: 1_700_000_000_000 + i, ...message });
    }
    await writer.flush();

    const plan = await scene.plan({ job: 'any', slices: 2 });
    await scene.cleanCalmly(plan);
    const { clean, dead, identities } = await scene.outcome(plan);
    const places = [...clean, ...dead.map((letter) => letter.split(' ')[0]!)];
    assert.equal(new Set(places).size, places.length, 'a message ended twice');
    const all = [...identities.values()];
    const sum = (of: 'read' | 'clean' | 'dlq' | 'filtered'): number =>
      all.reduce((total, one) => total + one[of], 0);
    assert.deepEqual([sum('read'), sum('clean'), sum('dlq')], [MESSAGES, clean.length, dead.length]);
    assert.equal(MESSAGES - places.length, sum('filtered'));
    assert.ok(clean.length > 10 && dead.length > 2_000 && sum('filtered') > 1_000);

    await scene.each(plan.dlq.topic, (cursor) => {
      const opened = openDeadLetter(cursor.headers());
      assert.ok(opened !== undefined, `no dead letter: ${String(cursor.header(DEAD_LETTER_HEADERS.reason))}`);
      const { letter, original } = opened;
      const came = sent[letter.source.partition]![letter.source.offset]!;
      assert.deepEqual([cursor.key(), cursor.value()], [came.key, came.value]);
      assert.deepEqual(original, came.headers);
      assert.deepEqual([letter.job, letter.attempt, letter.source.topicId], ['any', 0, plan.source.topicId]);
    });
  });
});
