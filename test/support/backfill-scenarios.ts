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
  lift: () => void = () => undefined;
  #held: Promise<void> = Promise.resolve();
  #running = 0;

  readonly activities = {
    planGoldBackfill: () => Promise.resolve(this.plan),
    runGoldDay: async (input: RunGoldDayInput): Promise<RanGoldDay> => {
      this.ran.push(input);
      this.#running += 1;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#running);
      try {
        await this.#held;
        const failure = this.failing.get(input.day);
        if (failure !== undefined) throw failure;
        return { reused: input.day.endsWith('-05') };
      } finally {
        this.#running -= 1;
      }
    },
  };

  /** Holds every day back until `lift` is called. */
  hold(): void {
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
      const two = (): Promise<boolean> => Promise.resolve(fakes.ran.length >= 2);
      await waitUntil('two days', two, { timeoutMs: 30_000, everyMs: 20 });
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

/** Plays a scenario to its end on a server without services. */
export async function playBackfill(
  env: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  scenario: BackfillScenario,
): Promise<BackfillOutcome> {
  const fakes = new BackfillFakes();
  fakes.plan = Array.from({ length: scenario.days }, (_, i) => ({
    day: addDays(FROM, scenario.days - 1 - i),
    force: false,
    reasons: ['never-computed'],
  }));
  scenario.given?.(fakes);
  const taskQueue = `gold-backfill-${scenario.name}`;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle,
    activities: { ...new GoldDayFakes(() => Promise.resolve()).activities, ...fakes.activities },
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
