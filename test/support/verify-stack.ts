import assert from 'node:assert/strict';
import { CHECKS } from '../../src/activities/checks/index.js';
import type { CheckResult, Verdict, VerificationResult, VerifyInput } from '../../src/messages.js';
import { waitUntil } from '../../src/wait-until.js';
import type { ServiceName } from '../../infra/embedded/index.js';
import { GOLD_SERVICES, type GoldStack } from './gold-stack.js';

/** All that a verification looks at. */
export const VERIFY_SERVICES: readonly ServiceName[] = [...GOLD_SERVICES, 'stream'];

const HOPS = CHECKS.filter(({ stage, applies }) => stage === 'hops' && applies === undefined);

/** The hops only, once each: canary and contents have tests of their own. */
export const HOPS_ONCE: VerifyInput = { only: HOPS.map(({ name }) => name), retries: 0 };

export const verifyHops = ({ tidemark }: GoldStack, more: VerifyInput = {}): Promise<VerificationResult> =>
  tidemark.verify.run({ ...HOPS_ONCE, ...more });

export function checkOf(result: VerificationResult, name: string): CheckResult {
  const found = result.checks.find(({ check }) => check === name);
  assert.ok(found, `no check ${name}: ${describe(result)}`);
  return found;
}

/** Every line that is not a pass, for the message of an assertion. */
export const describe = ({ summary, checks }: VerificationResult): string =>
  [
    summary,
    ...checks.filter(({ verdict }) => verdict !== 'Passed').map((one) => `${one.check}: ${one.summary}`),
  ].join('\n');

export interface Expected {
  readonly verdict?: Verdict;
  /** The check that must find it, and what it must say. */
  readonly check: string;
  readonly hop: string;
  readonly says: RegExp;
  /** Others that the same breakage may keep from passing; no other may. */
  readonly along?: readonly string[];
}

/** The verdict is right, the right hop is named, with the next thing to do, and nothing else is blamed. */
export function assertFinds(result: VerificationResult, expected: Expected): void {
  const { verdict = 'Failed', check, hop, says, along = [] } = expected;
  assert.equal(result.verdict, verdict, describe(result));
  const found = checkOf(result, check);
  assert.deepEqual([found.verdict, found.hop], [verdict, hop], describe(result));
  assert.match(found.summary, says);
  assert.ok(found.next, `${check} says nothing to do next`);
  assert.ok(result.summary.includes(hop), result.summary);
  const others = result.checks.filter((one) => one.verdict !== 'Passed' && one.check !== check);
  const blamed = others.map((one) => one.check).filter((name) => !along.includes(name));
  assert.deepEqual(blamed, [], describe(result));
}

/** After a repair: the deployment passes again, once what was repaired has settled. */
export async function passesAgain(stack: GoldStack): Promise<void> {
  let last: VerificationResult | undefined;
  try {
    await waitUntil(
      'the deployment to pass again',
      async () => (last = await verifyHops(stack)).verdict === 'Passed',
      { timeoutMs: 60_000, everyMs: 500 },
    );
  } catch (error) {
    assert.fail(`${String(error)}\n${last === undefined ? '' : describe(last)}`);
  }
}
