import assert from 'node:assert/strict';
import { useStack } from '../support/stack.js';
import { BACKFILL_CHAOS_SERVICES, backfillChaos } from './backfill/index.js';

/** Another seed by `TIDEMARK_SEED`; a failure says which one it was. */
const SEED = Number(process.env.TIDEMARK_SEED ?? 20261121);
const FAULTS = 5;

describe(`chaos: backfill (seed ${String(SEED)})`, function () {
  this.timeout(600_000);
  this.slow(240_000);
  const stack = useStack(BACKFILL_CHAOS_SERVICES, { own: true, provisioned: true });

  it('every day is right, none computed twice at once, nothing left in staging, whatever dies in between', async () => {
    const report = await backfillChaos(stack(), SEED, FAULTS);
    assert.equal(report.faults.length, FAULTS);
    assert.ok(report.expected > 0);
    assert.deepEqual(
      new Set(report.faults.map(({ target }) => target)),
      new Set(['worker', 'clickhouse', 'temporal']),
    );
    assert.ok(report.ok, JSON.stringify(report, null, 1));
  });
});
