import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { recordsOf } from '../../../src/cli/load.js';
import { generateInteractions } from '../../../src/generate/interactions.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { loadRecords } from '../../../src/stream/load-records.js';
import { useStack } from '../../support/stack.js';
import { Topics } from '../../support/topics.js';

const texts = [...generateInteractions({ seed: 7, dayMs: Date.UTC(2026, 10, 20), records: 12_000 })];

describe('loading a file into a topic', function () {
  this.timeout(60_000);
  const stack = useStack(['kafka', 'temporal', 'stream']);
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-load-'));
  let topics: Topics;
  let kafka: KafkaConnection;

  before(async () => {
    topics = await Topics.open(stack().config.kafka);
    kafka = await KafkaConnection.open(stack().config.kafka);
  });
  after(async () => {
    await Promise.all([topics.close(), kafka.close()]);
    rmSync(folder, { recursive: true });
  });

  const files: readonly [string, Buffer][] = [
    ['array.json', Buffer.from(`[\n${texts.join(',\n')}\n]\n`)],
    ['array.json.gz', gzipSync(`[${texts.join(',')}]`)],
    ['lines.jsonl', Buffer.from(`${texts.join('\n')}\n`)],
    ['lines.jsonl.gz', gzipSync(texts.join('\n'))],
  ];
  for (const [name, content] of files) {
    it(`brings every record of ${name}, with its key and its time`, async () => {
      const file = join(folder, name);
      writeFileSync(file, content);
      const topic = await topics.create(`load.${name}`, 3);
      const options = { topic, keyField: 'user_id', timeField: 'ts', now: () => 1_000 };
      const loaded = await loadRecords(kafka, recordsOf(file), options);
      const found = await topics.read(topic);
      assert.deepEqual(found.map(({ value }) => value).sort(), [...texts].sort());
      let untimed = 0;
      for (const { key, value, timestampMs } of found) {
        const parsed = JSON.parse(value ?? '') as { user_id?: number; ts?: string } | string;
        const interaction = typeof parsed === 'string' ? {} : parsed;
        assert.equal(key, interaction.user_id === undefined ? null : String(interaction.user_id));
        const timeMs = Date.parse(interaction.ts ?? '');
        if (Number.isNaN(timeMs)) untimed++;
        assert.equal(timestampMs, Number.isNaN(timeMs) ? 1_000 : timeMs);
      }
      assert.deepEqual([loaded.records, loaded.withoutTime], [12_000, untimed]);
      assert.ok(untimed > 0);
    });
  }

  it('says that a file is none it can read', async () => {
    const options = { topic: await topics.create('load.bad'), now: Date.now };
    const load = (file: string) => loadRecords(kafka, recordsOf(join(folder, file)), options);
    writeFileSync(join(folder, 'cut.json'), '[{"a":1},{"a"');
    writeFileSync(join(folder, 'plain.json.gz'), 'not gzip');
    await assert.rejects(load('cut.json'), { code: 'BAD_JSON' });
    await assert.rejects(load('plain.json.gz'), { code: 'BAD_FILE' });
    await assert.rejects(load('missing.jsonl'), { code: 'BAD_FILE' });
    await assert.rejects(load('table.csv'), { code: 'BAD_FILE' });
    assert.deepEqual(await topics.read('load.bad'), []);
  });
});
