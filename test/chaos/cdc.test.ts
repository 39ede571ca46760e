import assert from 'node:assert/strict';
import { useStack } from '../support/stack.js';
import { CDC_SERVICES, cdcChaos } from './cdc.js';

/** Another seed by `TIDEMARK_SEED`; a failure says which one it was. */
const SEED = Number(process.env.TIDEMARK_SEED ?? 20261121);
const FAULTS = 5;

describe(`chaos: CDC (seed ${String(SEED)})`, function () {
  this.timeout(600_000);
  const stack = useStack(CDC_SERVICES, { own: true });

  it(`leaves silver equal to the sources and bronze with every message once after ${FAULTS} seeded kills`, async () => {
    const result = await cdcChaos(stack(), SEED, FAULTS);
    assert.equal(result.faults.length, FAULTS);
    assert.ok(result.faults.every(({ inFlight }) => inFlight > 0));
    assert.ok(result.ok, JSON.stringify(result));
  });
});
