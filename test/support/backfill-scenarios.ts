import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { addDays, type Day } from '../../src/core/day.js';
import type { PlannedDay } from '../../src/core/gold-days.js';
import type {
  GoldBackfillInput,
  GoldBackfillProgress,
  GoldBackfillResult,
  RanGoldDay,
  RunGoldDayInput,
} from '../../src/messages.js';
import { waitUntil } from '../../src/wait-until.js';
import { backfillPause, backfillProgress, backfillResume } from '../../src/workflows/definitions.js';
import type { goldBackfill } from '../../src/workflows/gold-backfill.js';
import { GoldDayFakes } from './gold-day-fakes.js';

export type BackfillHandle = WorkflowHandleWithFirstExecutionRunId<typeof goldBackfill>;

/** The days of a backfill without any service: what each comes to is set, and each may be held back. */
export class BackfillFakes {
  readonly ran: RunGoldDayInput[] = [];
  /** How many were under way at once, at most. */
  mostAtOnce = 0;
  plan: readonly PlannedDay[] = [];
  readonly failing = new Map<Day, ApplicationFailure>();
  /** What the gate is asked. */
  readonly gate = new GoldDayFakes(() => Promise.resolve());
  lift: () => void = () => undefined;
  #held: Promise<void> = Promise.resolve();
  #heldFrom = 0;
  #running = 0;

  readonly activities = {
    ...this.gate.activities,
    planGoldBackfill: () => Promise.resolve(this.plan),
    runGoldDay: async (input: RunGoldDayInput): Promise<RanGoldDay> => {
      this.ran.push(input);
      this.#running += 1;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#running);
      try {
        if (this.ran.length > this.#heldFrom) await this.#held;
        const failure = this.failing.get(input.day);
        if (failure !== undefined) throw failure;
        return { reused: input.day.endsWith('-05') };
      } finally {
        this.#running -= 1;
      }
    },
  };

  /** Plans the days from `FROM` on, newest first. */
  planDays(count: number): void {
    this.plan = Array.from({ length: count }, (_, i) => ({
      day: addDays(FROM, count - 1 - i),
      force: false,
      reasons: ['never-computed'],
    }));
  }

  untilRan(days: number): Promise<unknown> {
    const have = (): Promise<boolean> => Promise.resolve(this.ran.length >= days);
    return waitUntil(`${days} days`, have, { timeoutMs: 60_000, everyMs: 20 });
  }

  /** Holds every day back, but so many first ones, until `lift` is called. */
  hold(from = 0): void {
    this.#heldFrom = from;
    this.#held = new Promise((resolve) => (this.lift = resolve));
  }
}

export interface BackfillScenario {
  readonly name: string;
  readonly days: number;
  readonly input?: Partial<GoldBackfillInput>;
  readonly given?: (fakes: BackfillFakes) => void;
  readonly meanwhile?: (handle: BackfillHandle, fakes: BackfillFakes) => Promise<void>;
}

export interface BackfillOutcome {
  readonly result: GoldBackfillResult | undefined;
  /** What ended it, if not its result. */
  readonly failure: Error | undefined;
  readonly handle: BackfillHandle;
  readonly fakes: BackfillFakes;
}

export const FROM: Day = '2023-01-01';

const until = (
  handle: BackfillHandle,
  what: string,
  is: (progress: GoldBackfillProgress) => boolean,
): Promise<unknown> =>
  waitUntil(what, async () => is(await handle.query(backfillProgress)), { timeoutMs: 30_000, everyMs: 20 });

/** Those of which a history is recorded. */
export const BACKFILL_SCENARIOS = {
  computed: {
    name: 'computed',
    days: 7,
    given: (fakes) => fakes.hold(),
    meanwhile: async (_, fakes) => {
      await fakes.untilRan(2);
      fakes.lift();
    },
  },
  failed: {
    name: 'failed',
    days: 5,
    given: (fakes) =>
      fakes.failing.set(addDays(FROM, 2), ApplicationFailure.nonRetryable('no rows', 'GOLD_CHECK_FAILED')),
  },
  paused: {
    name: 'paused',
    days: 6,
    meanwhile: async (handle, fakes) => {
      await until(handle, 'two days', ({ detail }) => detail.includes(', '));
      await handle.signal(backfillPause);
      fakes.lift();
      await until(handle, 'the pause', ({ step, detail }) => step === 'paused' && detail === '');
      await handle.signal(backfillResume);
    },
    given: (fakes) => fakes.hold(),
  },
  cancelled: {
    name: 'cancelled',
    days: 6,
    given: (fakes) => fakes.hold(),
    meanwhile: async (handle, fakes) => {
      await until(handle, 'two days', ({ detail }) => detail.includes(', '));
      await handle.cancel();
      fakes.lift();
    },
  },
  daily: { name: 'daily', days: 3, input: { range: { lastDays: 3 } } },
} satisfies Record<string, BackfillScenario>;

/** Years of days: more than one run of the workflow holds. Too long to be worth recording. */
export const YEARS: BackfillScenario = { name: 'years', days: 600, input: { parallelism: 8 } };

/** As many as one run of the workflow computes. */
export const RUN_DAYS = 500;

/** Cancelled while the last days of its first run are finished: a second run would follow. */
export const CANCELLED_BETWEEN_RUNS: BackfillScenario = {
  name: 'cancelled-between-runs',
  days: RUN_DAYS + 10,
  input: { parallelism: 8 },
  given: (fakes) => fakes.hold(RUN_DAYS - 3),
  meanwhile: async (handle, fakes) => {
    await fakes.untilRan(RUN_DAYS);
    await handle.cancel();
    fakes.lift();
  },
};

/** Plays a scenario to its end on a server without services. */
export async function playBackfill(
  env: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  scenario: BackfillScenario,
): Promise<BackfillOutcome> {
  const fakes = new BackfillFakes();
  fakes.planDays(scenario.days);
  scenario.given?.(fakes);
  const taskQueue = `gold-backfill-${scenario.name}`;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle,
    activities: fakes.activities,
  });
  return worker.runUntil(async () => {
    const to = addDays(FROM, scenario.days - 1);
    const handle = await env.client.workflow.start<typeof goldBackfill>('goldBackfill', {
      workflowId: `gold-backfill/${scenario.name}`,
      taskQueue,
      args: [
        {
          range: { from: FROM, to },
          selection: { missing: true, stale: true, also: [], all: false },
          parallelism: 2,
          requestedBy: 'test',
          ...scenario.input,
        },
      ],
    });
    await scenario.meanwhile?.(handle, fakes);
    const end = await handle.result().then(
      (result) => ({ result, failure: undefined }),
      (error: unknown) => ({ result: undefined, failure: causeOf(error) }),
    );
    return { ...end, handle, fakes };
  });
}

function causeOf(error: unknown): Error {
  if (!(error instanceof WorkflowFailedError) || error.cause === undefined) throw error;
  return error.cause;
}
