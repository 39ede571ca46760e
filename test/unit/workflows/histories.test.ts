import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { packageRoot } from '../../../src/package-root.js';
import { historyFromJson } from '../../support/history-json.js';
import { bundleWorkflows, quietTemporal } from '../../support/workflow-server.js';

/**
 * Workflows that run while a new version is deployed go on in it from their history. Every recorded one must replay to
 * its end with the code as it is.
 */
describe('recorded histories', function () {
  this.timeout(60_000);
  const folder = join(packageRoot, 'test', 'histories');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.json'),
  );
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  let bundle: WorkflowBundleWithSourceMap;

  before(async () => {
    quietTemporal();
    bundle = await bundleWorkflows();
  });

  /** The error of each history, given as JSON, that does not replay. */
  async function replay(texts: Record<string, string>): Promise<Map<string, Error>> {
    const histories = Object.entries(texts).map(([workflowId, text]) => ({
      workflowId,
      history: historyFromJson(JSON.parse(text) as object),
    }));
    const errors = new Map<string, Error>();
    for await (const { workflowId, error } of Worker.runReplayHistories(
      { workflowBundle: bundle },
      histories,
    )) {
      if (error !== undefined) errors.set(workflowId, error);
    }
    return errors;
  }

  it('replay with the code as it is', async () => {
    const kinds = new Set(files.map((file) => file.split(/[\\/]/)[0]));
    for (const kind of [
      'gold-day',
      'gold-backfill',
      'replay-topic-range',
      'clean-logins',
      'count-unique-users',
      'verify-deployment',
    ])
      assert.ok(kinds.has(kind), kind);
    assert.deepEqual(await replay(Object.fromEntries(files.map((file) => [file, read(file)]))), new Map());
  });

  for (const [file, step] of [
    ['gold-day/computed.json', 'computeGold'],
    ['replay-topic-range/copied.json', 'verifyReplay'],
    ['clean-logins/cleaned.json', 'freezeCleanPartials'],
    ['count-unique-users/counted.json', 'freezePartials'],
    ['verify-deployment/passed.json', 'runCheck'],
  ] as const) {
    it(`would not replay if a step of ${file} had another name`, async () => {
      const changed = read(file).replaceAll(step, 'doSomethingElse');
      const errors = await replay({ changed });
      assert.match(errors.get('changed')?.message ?? '', /nondetermin|determinism/i);
    });
  }
});
