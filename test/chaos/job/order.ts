import type { Config } from '../../../src/config.js';
import type { CleanPlan, CountPlan, JobReport } from '../../../src/messages.js';
import type { LapLimits } from '../../../src/stream/run-slice.js';

/** A job of one of the kinds that run in slices and a merge stage. */
export type OrderedJob =
  { readonly kind: 'count'; readonly plan: CountPlan } | { readonly kind: 'clean'; readonly plan: CleanPlan };

/** What a worker process is told on its command line. */
export interface JobOrder {
  readonly kafka: Config['kafka'];
  readonly job: OrderedJob;
  readonly part: JobReport['part'];
  /** For the merge stage: where the partial states end. */
  readonly ends: readonly string[] | null;
  readonly limits: Partial<LapLimits>;
}

/** Exit codes the parent understands. */
export const EXIT = { finished: 0, again: 4 } as const;
