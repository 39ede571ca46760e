import type { Config } from '../../../src/config.js';
import type { Slice } from '../../../src/stream/run-slice.js';

/** What a worker process is told on its command line. */
export interface WorkerOrder {
  readonly kafka: Config['kafka'];
  readonly slice: Slice;
  readonly source: { readonly topicId: string; readonly partitions: number };
  readonly target: { readonly topic: string; readonly topicId: string; readonly partitions: number };
  readonly commitRecords: number;
  /** Stop before the n-th (from 1) request of that name. */
  readonly stopBefore?: { readonly apiName: string; readonly nth: number };
}

/** Exit codes the parent understands. */
export const EXIT = { finished: 0, fenced: 3, again: 4 } as const;
