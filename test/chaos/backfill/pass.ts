import {
  PipelineError,
  type GoldBackfillProgress,
  type GoldBackfillResult,
  type Tidemark,
} from '../../../src/index.js';
import { waitUntil } from '../../../src/wait-until.js';
import type { SixtyDays } from './scene.js';

const LIMIT_MS = 180_000;
/** So many days must still be to do when a fault is put in: it hits in the middle. */
const DAYS_LEFT = 6;

/** A backfill under way, seen through the public client: asked for again when a service that it needs is away. */
export class Pass {
  readonly result: Promise<GoldBackfillResult>;
  hasEnded = false;
  #last: GoldBackfillProgress | undefined;
  /** What was told before a fault says nothing of after. */
  #isStale = false;

  constructor(tidemark: Tidemark, { dates }: SixtyDays) {
    this.result = this.#run(tidemark, dates[0]!, dates.at(-1)!).finally(() => (this.hasEnded = true));
    // Awaited by who made it; a failure before is reported there.
    this.result.catch(() => undefined);
  }

  get days(): number {
    return this.#last === undefined ? 0 : this.#last.computed + this.#last.reused;
  }

  forget(): void {
    this.#isStale = true;
  }

  /** Waits until so many days are done; false when too few are left then, or it has ended. */
  async isInTheMiddle(days: number): Promise<boolean> {
    const isTold = (): Promise<boolean> =>
      Promise.resolve(this.hasEnded || (!this.#isStale && this.days >= days));
    await waitUntil('the backfill to compute', isTold, { timeoutMs: LIMIT_MS, everyMs: 20 });
    return !this.hasEnded && (this.#last?.planned ?? 0) - this.days >= DAYS_LEFT;
  }

  #hear(progress: GoldBackfillProgress): void {
    this.#last = progress;
    this.#isStale = false;
  }

  /** Attaches again while Temporal, or the worker, is on its way back; every other end is the end. */
  #run(tidemark: Tidemark, from: string, to: string): Promise<GoldBackfillResult> {
    const options = { from, to, selection: { all: true }, parallelism: 2 };
    const onProgress = (progress: GoldBackfillProgress): void => this.#hear(progress);
    return waitUntil(
      'the backfill to end',
      () =>
        tidemark.gold.backfill({ ...options, onProgress }).catch((error: unknown) => {
          if (error instanceof PipelineError && error.retryable) return undefined;
          throw error;
        }),
      { timeoutMs: 10 * 60_000, everyMs: 250 },
    );
  }
}
