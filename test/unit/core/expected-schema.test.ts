import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectedObjects } from '../../../src/core/expected-schema.js';
import { packageRoot } from '../../../src/package-root.js';

const PLACES = { database: 'd', on_cluster: '', Replicated: '', prefix: 'p' };

describe('what migrations make', () => {
  const table: [string, string, object[]][] = [
    [
      'a table',
      'CREATE TABLE IF NOT EXISTS ${database}.t ${on_cluster} (a Int8)\nENGINE = ${Replicated}MergeTree\nORDER BY a;',
      [{ name: 't', engine: 'MergeTree' }],
    ],
    ['a view', 'CREATE VIEW IF NOT EXISTS ${database}.v AS SELECT 1;', [{ name: 'v', engine: 'View' }]],
    [
      'a materialized view',
      'CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.mv ${on_cluster} TO ${database}.t AS SELECT 1;',
      [{ name: 'mv', engine: 'MaterializedView', target: 't' }],
    ],
    [
      'a table of the Kafka engine',
      "CREATE TABLE ${database}.k (raw String) ENGINE = Kafka SETTINGS kafka_topic_list = 'a.b', kafka_group_name = '${prefix}.k';",
      [{ name: 'k', engine: 'Kafka', source: { topic: 'a.b', group: 'p.k' } }],
    ],
    [
      'what is dropped again',
      'CREATE VIEW ${database}.v AS SELECT 1;\nDROP VIEW IF EXISTS ${database}.v;',
      [],
    ],
    [
      'what is made anew',
      'CREATE VIEW ${database}.v AS SELECT 1;\nDROP VIEW ${database}.v;\nCREATE TABLE ${database}.v (a Int8) ENGINE = Log;',
      [{ name: 'v', engine: 'Log' }],
    ],
    ['no object', 'INSERT INTO ${database}.t SELECT 1;\nALTER TABLE ${database}.t ADD COLUMN b Int8;', []],
  ];
  for (const [what, sql, expected] of table) {
    it(what, () => assert.deepEqual(expectedObjects([sql], PLACES), expected));
  }

  it('on a cluster the engines are replicated ones', () => {
    const sql =
      'CREATE TABLE ${database}.t ${on_cluster} (a Int8) ENGINE = ${Replicated}ReplacingMergeTree(a) ORDER BY a;';
    const places = { ...PLACES, on_cluster: "ON CLUSTER 'c'", Replicated: 'Replicated' };
    assert.deepEqual(expectedObjects([sql], places), [{ name: 't', engine: 'ReplicatedReplacingMergeTree' }]);
  });

  it('finds every CREATE of the real ones, each with an engine', () => {
    const folder = join(packageRoot, 'sql', 'clickhouse');
    const texts = readdirSync(folder)
      .sort()
      .map((file) => readFileSync(join(folder, file), 'utf8'));
    const names = [...new Set(texts.join('\n').matchAll(/\$\{(\w+)\}/g))].map(([, name]) => [name!, name!]);
    const found = expectedObjects(
      texts,
      Object.fromEntries([...names, ['Replicated', ''], ['on_cluster', '']]) as Record<string, string>,
    );
    assert.ok(found.length >= 40, `${found.length}`);
    assert.deepEqual(
      found.filter(({ engine }) => engine === ''),
      [],
    );
    const kafka = found.filter(({ engine }) => engine === 'Kafka');
    assert.ok(
      kafka.every(({ source }) => source !== undefined && source.topic !== '' && source.group !== ''),
    );
  });
});
