import assert from 'node:assert/strict';
import { useStack } from '../support/stack.js';
import { GOLD_FAULTS } from './gold/faults.js';
import { GOLD_CHAOS_SERVICES, goldChaos } from './gold/index.js';

/** Another seed by `TIDEMARK_SEED`; a failure says which one it was. */
const SEED = Number(process.env.TIDEMARK_SEED ?? 20261121);

describe(`chaos: gold (seed ${String(SEED)})`, function () {
  this.timeout(600_000);
  this.slow(240_000);
  const stack = useStack(GOLD_CHAOS_SERVICES, { own: true, provisioned: true });

  it('is the exact answer after every kind of fault, and nothing is left of the attempts that were cut off', async () => {
    const report = await goldChaos(stack(), SEED, GOLD_FAULTS.length);
    assert.equal(report.faults.length, GOLD_FAULTS.length);
    const missed = report.faults.filter(({ proof }) => proof === '');
    assert.deepEqual(missed, [], 'faults that did not land where they should');
    const untidy = report.faults.filter(({ remains }) => remains.length > 0);
    assert.deepEqual(untidy, [], 'faults that left something behind');
    assert.ok(report.ok, JSON.stringify({ ...report, faults: report.faults.length }));
  });
});
