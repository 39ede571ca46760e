import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName, Stack } from '../../../infra/embedded/index.js';
import { connectClickHouse } from '../../../src/clients/clickhouse.js';
import { compareRows, type Row } from '../../../src/generate/compare.js';
import { Random } from '../../../src/generate/random.js';
import { Tidemark } from '../../../src/index.js';
import { computedTwiceAtOnce } from '../../support/gold-attempts.js';
import type { ChaosReport, Fault } from '../report.js';
import { rounds } from '../rounds.js';
import { proofOf, TARGETS, type Kill } from './kill.js';
import { Pass } from './pass.js';
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

const LIMIT_MS = 180_000;
/** A kill between two days hits none: some do, most do not. */
const MISSES_A_FAULT = 3;

interface BackfillFault extends Fault {
  /** What the audit table says of the day that was computed then. */
  readonly proof: string;
}

export interface BackfillChaosReport extends ChaosReport {
  readonly faults: readonly BackfillFault[];
  /** Faults that hit no day while it was computed, each tried again. */
  readonly missed: number;
  /** Days that each pass over all of them says to have done. */
  readonly passes: readonly number[];
  /** What the tables say besides the rows. */
  readonly computedTwiceAtOnce: readonly string[];
  readonly stillRunning: readonly string[];
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
  const clickhouse = connectClickHouse(stack.config, LIMIT_MS);
  const tidemark = new Tidemark(stack.config);
  const days = new SixtyDays(clickhouse);
  const chaos = new BackfillChaos(stack, tidemark, days, Random.of(seed, 0));
  try {
    await days.fill();
    while (chaos.faults.length < faults && chaos.missed <= MISSES_A_FAULT * faults) await chaos.pass(faults);
    const { missed, passes } = chaos;
    const audit = { missed, passes, ...(await auditOf(days)) };
    const found = await compareAll(days);
    const isClean =
      audit.computedTwiceAtOnce.length + audit.stillRunning.length + audit.stagingLeft.length === 0;
    return {
      chaos: 'backfill',
      seed,
      faults: chaos.faults,
      expected: found.expectedRows,
      found: found.actualRows,
      lost: found.missing.count,
      doubled: found.doubled.count + found.extra.count,
      different: found.different.count,
      ...audit,
      ok: found.equal && isClean && passes.every((done) => done === days.dates.length),
    };
  } finally {
    await Promise.all([clickhouse.close(), tidemark.close()]);
  }
}

const compareAll = async (days: SixtyDays) =>
  compareRows(days.exactGold() as unknown as Row[], await days.goldRows(), ['day', 'user_id']);

async function auditOf(days: SixtyDays) {
  const attempts = await days.attempts();
  return {
    computedTwiceAtOnce: computedTwiceAtOnce(attempts),
    stillRunning: attempts.filter(({ status }) => status === 'running').map(({ day }) => day),
    stagingLeft: await days.stagingTables(),
  };
}

/** Passes over all days, and what was killed in the middle of them. */
class BackfillChaos {
  readonly faults: BackfillFault[] = [];
  readonly passes: number[] = [];
  missed = 0;
  readonly #stack: Stack;
  readonly #tidemark: Tidemark;
  readonly #days: SixtyDays;
  readonly #random: Random;
  readonly #targets: Generator<Kill['target'], never>;
  /** Of kills that missed: they come first. */
  readonly #again: Kill['target'][] = [];
  readonly #startMs = Date.now();
  #lastEpochMs = 0;

  constructor(stack: Stack, tidemark: Tidemark, days: SixtyDays, random: Random) {
    this.#stack = stack;
    this.#tidemark = tidemark;
    this.#days = days;
    this.#random = random;
    this.#targets = rounds(random, TARGETS);
  }

  /** One backfill of all days, with kills until there are as many as wanted or too few days are left. */
  async pass(wanted: number): Promise<void> {
    const pass = new Pass(this.#tidemark, this.#days);
    const kills: Kill[] = [];
    while (
      this.faults.length + kills.length < wanted &&
      (await pass.isInTheMiddle(pass.days + this.#random.int(1, 9)))
    ) {
      const kill = await this.#kill(pass);
      if (kill === undefined) break;
      kills.push(kill);
      await this.#stack.waitReady(kill.target);
      pass.forget();
    }
    const { computed, reused } = await pass.result;
    this.passes.push(computed + reused);
    const attempts = await this.#days.attempts();
    for (const kill of kills) this.#judge(kill, proofOf(kill, attempts));
  }

  /** Kills the next target while a day is computed. */
  async #kill(pass: Pass): Promise<Kill | undefined> {
    // A moment by the clock: here the clock is the point.
    await delay(this.#random.int(0, 300));
    await this.#days.untilComputing(this.#lastEpochMs, () => pass.hasEnded);
    if (pass.hasEnded) {
      this.missed += 1;
      return undefined;
    }
    const target = this.#again.shift() ?? this.#targets.next().value;
    const action = `SIGKILL after ${pass.days} of ${this.#days.dates.length} days`;
    const kill = { target, action, epochMs: Date.now(), lastEpochMs: this.#lastEpochMs };
    this.#stack.kill(target, 'SIGKILL');
    this.#lastEpochMs = kill.epochMs;
    return kill;
  }

  #judge({ target, action, epochMs }: Kill, proof: string): void {
    if (proof !== '') {
      this.faults.push({ atMs: epochMs - this.#startMs, target, action, proof });
      return;
    }
    this.missed += 1;
    this.#again.push(target);
  }
}
