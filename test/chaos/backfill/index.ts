import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName, Stack } from '../../../infra/embedded/index.js';
import { connectClickHouse } from '../../../src/clients/clickhouse.js';
import { compareRows, type Row } from '../../../src/generate/compare.js';
import { Random } from '../../../src/generate/random.js';
import { PipelineError, Tidemark, type GoldBackfillProgress } from '../../../src/index.js';
import { waitUntil } from '../../../src/wait-until.js';
import type { ChaosReport, Fault } from '../report.js';
import { SixtyDays } from './scene.js';

/** With the worker: its supervisor brings it back, as it does the servers. */
export const BACKFILL_CHAOS_SERVICES: readonly ServiceName[] = [
  'kafka',
  'connect',
  'postgres',
  'mongo',
  'clickhouse',
  'temporal',
  'worker',
];

const TARGETS: readonly ServiceName[] = ['worker', 'clickhouse', 'temporal'];
const LIMIT_MS = 180_000;
/** So many days must still be to do when a fault is put in: it hits in the middle. */
const DAYS_LEFT = 6;

export interface BackfillChaosReport extends ChaosReport {
  /** Faults that found the backfill at its end, each tried again; and what the tables say besides the rows. */
  readonly missed: number;
  readonly computedTwiceAtOnce: readonly string[];
  readonly stagingLeft: readonly string[];
}

/**
 * Backfills sixty days again and again while the worker, ClickHouse and Temporal are killed. In the end every day must
 * be the exact answer, none have been computed twice at once, and no staging be left. Needs a provisioned stack.
 */
export async function backfillChaos(
  stack: Stack,
  seed: number,
  faults: number,
): Promise<BackfillChaosReport> {
  const random = Random.of(seed, 0);
  const clickhouse = connectClickHouse(stack.config, LIMIT_MS);
  const tidemark = new Tidemark(stack.config);
  const days = new SixtyDays(clickhouse);
  const done: Fault[] = [];
  const startMs = Date.now();
  let missed = 0;
  try {
    await days.fill();
    while (done.length < faults) {
      const backfill = new Backfill(tidemark, days);
      while (done.length < faults && (await backfill.isInTheMiddle(backfill.days + random.int(1, 9)))) {
        const target = TARGETS[random.int(0, TARGETS.length)]!;
        // A moment by the clock: here the clock is the point.
        await delay(random.int(0, 300));
        if (backfill.hasEnded) {
          missed += 1;
          break;
        }
        const action = `SIGKILL after ${backfill.days} of ${days.dates.length} days`;
        stack.kill(target, 'SIGKILL');
        done.push({ atMs: Date.now() - startMs, target, action });
        await stack.waitReady(target);
        backfill.forget();
      }
      await backfill.result;
    }
    const found = compareRows(days.exactGold() as unknown as Row[], await days.goldRows(), [
      'day',
      'user_id',
    ]);
    const computedTwiceAtOnce = await days.computedTwiceAtOnce();
    const stagingLeft = await days.stagingTables();
    return {
      chaos: 'backfill',
      seed,
      faults: done,
      expected: found.expectedRows,
      found: found.actualRows,
      lost: found.missing.count,
      doubled: found.doubled.count + found.extra.count,
      different: found.different.count,
      missed,
      computedTwiceAtOnce,
      stagingLeft,
      ok: found.equal && computedTwiceAtOnce.length === 0 && stagingLeft.length === 0,
    };
  } finally {
    await Promise.all([clickhouse.close(), tidemark.close()]);
  }
}

/** A backfill under way, seen through the public client: asked for again when a service that it needs is away. */
class Backfill {
  readonly result: Promise<void>;
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
  async #run(tidemark: Tidemark, from: string, to: string): Promise<void> {
    const options = { from, to, selection: { all: true }, parallelism: 2 };
    await waitUntil(
      'the backfill to end',
      async () => {
        try {
          await tidemark.gold.backfill({ ...options, onProgress: (progress) => this.#hear(progress) });
          return true;
        } catch (error) {
          if (error instanceof PipelineError && error.retryable) return undefined;
          throw error;
        }
      },
      { timeoutMs: 10 * 60_000, everyMs: 250 },
    );
  }
}
