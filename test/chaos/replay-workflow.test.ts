import assert from 'node:assert/strict';
import { useStack } from '../support/stack.js';
import { replayWorkflowChaos } from './replay/workflow.js';

/** Another seed by `TIDEMARK_SEED`; a failure says which one it was. */
const SEED = Number(process.env.TIDEMARK_SEED ?? 20261121);

describe(`chaos: the workflow of a replay (seed ${String(SEED)})`, function () {
  this.timeout(600_000);
  this.slow(180_000);
  const stack = useStack(['kafka', 'temporal', 'stream'], { own: true });

  it('is exact after 10 SIGKILLs of stream worker, broker, Temporal and control worker, and goes on within 10 s', async () => {
    const report = await replayWorkflowChaos(stack(), SEED, 10);
    const { faults, ...rest } = report;
    assert.equal(faults.length, 10);
    assert.equal(new Set(faults.map(({ target }) => target)).size, 4);
    assert.ok(report.ok, JSON.stringify(rest));
    assert.ok(report.slowestTakeoverMs < 10_000, `taken over after ${String(report.slowestTakeoverMs)} ms`);
  });
});
