import type { Config } from '../../../src/config.js';
import type { CountPlan, CountReport } from '../../../src/messages.js';
import type { LapLimits } from '../../../src/stream/run-slice.js';

/** What a worker process is told on its command line. */
export interface CountOrder {
  readonly kafka: Config['kafka'];
  readonly plan: CountPlan;
  readonly part: CountReport['part'];
  /** For the merge stage: where the partial states end. */
  readonly ends: readonly string[] | null;
  readonly limits: Partial<LapLimits>;
}

/** Exit codes the parent understands. */
export const EXIT = { finished: 0, again: 4 } as const;
