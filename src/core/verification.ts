import { PipelineError } from './errors.js';

/** Verifying a deployment: what a check answers, and what the answers of all come to. */

/** What JSON can carry; 64-bit numbers are decimal strings. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * `Failed`: the hop is broken, and the evidence says so. `Inconclusive`: the check itself could not be made, so nothing
 * is known of the hop.
 */
export type Verdict = 'Passed' | 'Failed' | 'Inconclusive';

/** What a check has found. Names, counts and positions only: never a secret, never a row's value. */
export interface Finding {
  readonly verdict: Verdict;
  /** One line. */
  readonly summary: string;
  readonly evidence: { readonly [key: string]: Json };
  /** Where it is broken, of a check that goes through several hops; else the check's own. */
  readonly hop?: string;
  /** The next thing to do; where there is one. */
  readonly next?: string;
}

export interface CheckResult extends Finding {
  readonly check: string;
  /** The system, or the step between two (`postgres -> kafka`), that the finding is about. */
  readonly hop: string;
  /** Of all attempts together, with the pauses between them, ms. */
  readonly durationMs: number;
  /** How often the check was made: a check that has not passed is made again, as often as retries allow. */
  readonly attempts: number;
}

/** Hops are checked side by side; then the canary goes through all of them; then the contents are compared. */
export const STAGES = ['hops', 'canary', 'content'] as const;
export type Stage = (typeof STAGES)[number];

/** How many checks may fail, and how many may be inconclusive, before the deployment is called so. */
export interface VerdictLimits {
  readonly failureLimit: number;
  readonly errorLimit: number;
}

/**
 * The deployment's verdict. What failed counts before what is not known. No check at all verifies nothing, and is
 * inconclusive whatever the limits.
 */
export function combine(results: readonly Finding[], { failureLimit, errorLimit }: VerdictLimits): Verdict {
  const count = (verdict: Verdict): number => results.filter((one) => one.verdict === verdict).length;
  if (count('Failed') > failureLimit) return 'Failed';
  if (count('Inconclusive') > errorLimit || results.length === 0) return 'Inconclusive';
  return 'Passed';
}

/** Verdict, counts and the hops that did not pass, as one line. */
export function summarise(results: readonly CheckResult[], verdict: Verdict): string {
  const broken = (wanted: Verdict): string[] => [
    ...new Set(results.filter((one) => one.verdict === wanted).map(({ hop }) => hop)),
  ];
  const passed = results.filter((one) => one.verdict === 'Passed').length;
  const [failed, unknown] = [broken('Failed'), broken('Inconclusive')];
  return [
    `${verdict}: ${passed} of ${results.length} checks passed`,
    ...(failed.length === 0 ? [] : [`failed at ${failed.join(', ')}`]),
    ...(unknown.length === 0 ? [] : [`not known of ${unknown.join(', ')}`]),
  ].join('; ');
}

/**
 * The names of `all` that `only` keeps (default: all of them) and `skip` does not take away, in their own order.
 * @throws PipelineError `BAD_CHECKS` when one of either is no check, or none is left.
 */
export function selectChecks(
  all: readonly string[],
  { only, skip = [] }: { readonly only?: readonly string[]; readonly skip?: readonly string[] },
): string[] {
  const unknown = [...(only ?? []), ...skip].filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    const message = `choosing checks: there is no ${unknown.join(', ')}; there are ${all.join(', ')}`;
    throw new PipelineError('BAD_CHECKS', message);
  }
  const chosen = all.filter((name) => (only?.includes(name) ?? true) && !skip.includes(name));
  if (chosen.length === 0) throw new PipelineError('BAD_CHECKS', 'choosing checks: none is left');
  return chosen;
}
