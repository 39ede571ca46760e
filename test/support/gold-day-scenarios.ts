import { ApplicationFailure } from '@temporalio/common';
import {
  WithStartWorkflowOperation,
  WorkflowFailedError,
  type WorkflowHandleWithFirstExecutionRunId,
  type WorkflowStartOptions,
} from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { setTimeout as delay } from 'node:timers/promises';
import { DAY_MS, addDays, dayOf, dayStartMs, type Day } from '../../src/core/day.js';
import type { GoldDayInput, GoldDayRequest, GoldDayResult } from '../../src/messages.js';
import { waitUntil } from '../../src/wait-until.js';
import { goldRequest } from '../../src/workflows/definitions.js';
import type { goldDay } from '../../src/workflows/gold-day.js';
import { GoldDayFakes, runOf } from './gold-day-fakes.js';
import { cancelled } from './until-cancelled.js';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof goldDay>;

/** A way a day can go: what the services answer, and what is told to the workflow while it runs. */
export interface Scenario {
  readonly name: string;
  readonly input?: Partial<GoldDayInput>;
  /** Whether it is asked for by the update that starts it, as Airflow does. */
  readonly byUpdate?: true;
  /** How long its day still lasts when it is asked for, ms by the server's clock; without, the day is long over. */
  readonly lastsMs?: number;
  readonly given?: (fakes: GoldDayFakes) => void;
  readonly meanwhile?: (handle: Handle, fakes: GoldDayFakes) => Promise<void>;
}

export interface Outcome {
  readonly result: GoldDayResult | undefined;
  /** The type of the failure that ended the workflow; `cancelled` when it was. */
  readonly ended: string | undefined;
  readonly message: string;
  readonly handle: Handle;
  readonly fakes: GoldDayFakes;
  /** From its start to its end by the server's clock, ms. */
  readonly tookMs: number;
}

/** The gate's own patience: a long history, not worth recording. */
export const PATIENT: Scenario = { name: 'patient', given: (fakes) => (fakes.arrived = false) };

/** Those of which a history is recorded. */
export const SCENARIOS = {
  computed: { name: 'computed' },
  fresh: {
    name: 'fresh',
    given: (fakes) => (fakes.standing = runOf({})),
  },
  forced: {
    name: 'forced',
    input: { force: true },
    given: (fakes) => (fakes.standing = runOf({})),
  },
  gateTimeout: {
    name: 'gate-timeout',
    input: { gateTimeoutMs: 30_000 },
    given: (fakes) => (fakes.arrived = false),
  },
  forcedWhileWaiting: {
    name: 'forced-while-waiting',
    given: (fakes) => {
      fakes.arrived = false;
      // The clock stands still until the second caller has been heard.
      fakes.pass = () => delay(50);
    },
    meanwhile: async (handle, fakes) => {
      await handle.executeUpdate(goldRequest, { args: [{ force: true, requestedBy: 'second' }] });
      fakes.pass = fakes.skip;
    },
  },
  forcedWhileReading: {
    name: 'forced-while-reading',
    given: (fakes) => {
      fakes.standing = runOf({});
      holdBack(fakes);
    },
    meanwhile: async (handle, fakes) => {
      await joinWhileComputing(handle, fakes, { force: true });
      fakes.read();
    },
  },
  joinedWhileComputing: {
    name: 'joined-while-computing',
    given: holdBack,
    meanwhile: async (handle, fakes) => {
      await joinWhileComputing(handle, fakes, {});
      fakes.read();
    },
  },
  joinedWithLaterBarrier: {
    name: 'joined-with-later-barrier',
    given: holdBack,
    meanwhile: async (handle, fakes) => {
      await joinWhileComputing(handle, fakes, {
        barrier: { complete: true, positions: { events: { 0: '10' } } },
      });
      fakes.read();
    },
  },
  serviceBack: {
    name: 'service-back',
    given: (fakes) =>
      fakes.freezing.push(
        ...Array.from({ length: 3 }, () =>
          ApplicationFailure.retryable('no answer from Kafka', 'KAFKA_UNREACHABLE'),
        ),
      ),
  },
  checkFailed: {
    name: 'check-failed',
    given: (fakes) =>
      (fakes.computing = ApplicationFailure.nonRetryable('checking staging: no', 'GOLD_CHECK_FAILED')),
  },
  cancelledWhileComputing: {
    name: 'cancelled-while-computing',
    given: (fakes) => {
      fakes.reading = async () => {
        try {
          await cancelled();
        } finally {
          // It ends its query and drops its table.
          await delay(300);
          fakes.asked.push('the attempt has ended');
        }
      };
    },
    meanwhile: async (handle, fakes) => {
      await untilComputing(fakes);
      await handle.cancel();
    },
  },
  cancelled: {
    name: 'cancelled',
    given: (fakes) => {
      fakes.arrived = false;
      // A cancelled workflow does not wait for its activity, and nobody would skip time for that any more.
      fakes.pass = () => delay(500);
    },
    meanwhile: async (handle, fakes) => {
      const waits = () => Promise.resolve(fakes.asked.filter((name) => name === 'awaitMark').length > 1);
      await waitUntil('the workflow to wait at the gate', waits, { timeoutMs: 30_000, everyMs: 20 });
      await handle.cancel();
    },
  },
} satisfies Record<string, Scenario>;

/** Holds the computation back until it is told to go on. */
export function holdBack(fakes: GoldDayFakes): void {
  const held = new Promise<void>((resolve) => (fakes.read = resolve));
  fakes.reading = () => held;
}

export async function joinWhileComputing(
  handle: Handle,
  fakes: GoldDayFakes,
  request: GoldDayRequest,
): Promise<void> {
  await untilComputing(fakes);
  await handle.executeUpdate(goldRequest, { args: [{ requestedBy: 'second', ...request }] });
}

const untilComputing = (fakes: GoldDayFakes): Promise<unknown> =>
  waitUntil('the day to be computed', () => Promise.resolve(fakes.asked.includes('computeGold')), {
    timeoutMs: 30_000,
    everyMs: 20,
  });

/** Plays a scenario to its end on a server that skips time. */
export async function play(
  env: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  scenario: Scenario,
): Promise<Outcome> {
  const fakes = new GoldDayFakes((ms) => env.sleep(ms));
  scenario.given?.(fakes);
  const taskQueue = `gold-day-${scenario.name}`;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle,
    activities: fakes.activities,
    // As the control worker: an attempt hears soon that it is cancelled.
    maxHeartbeatThrottleInterval: '1s',
  });
  return worker.runUntil(async () => {
    const day = scenario.lastsMs === undefined ? '2024-05-01' : await dayLasting(env, scenario.lastsMs);
    const handle = await begin(env, scenario, taskQueue, day);
    await scenario.meanwhile?.(handle, fakes);
    const end = await handle.result().then(
      (result) => ({ result, ended: undefined, message: '' }),
      (error: unknown) => ({ result: undefined, ...endOf(error) }),
    );
    // Not the server's clock: once nothing runs, that skips on to whatever timeout comes next.
    const { startTime, closeTime } = await handle.describe();
    return { ...end, handle, fakes, tookMs: Number(closeTime) - Number(startTime) };
  });
}

/** Lets time go by until a day lasts for so long: of the next one, as too little may be left of this one. */
async function dayLasting(env: TestWorkflowEnvironment, ms: number): Promise<Day> {
  const nowMs = await env.currentTimeMs();
  const day = addDays(dayOf(nowMs), 1);
  await env.sleep(dayStartMs(day) + DAY_MS - ms - nowMs);
  return day;
}

async function begin(
  env: TestWorkflowEnvironment,
  scenario: Scenario,
  taskQueue: string,
  day: Day,
): Promise<Handle> {
  const options: WorkflowStartOptions<typeof goldDay> = {
    workflowId: `gold-day/${day}/${scenario.name}`,
    taskQueue,
    args: [{ day, requestedBy: 'first', ...scenario.input }],
  };
  const { workflow } = env.client;
  if (scenario.byUpdate === undefined) return workflow.start<typeof goldDay>('goldDay', options);
  const start = new WithStartWorkflowOperation<typeof goldDay>('goldDay', {
    ...options,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  await workflow.executeUpdateWithStart(goldRequest, {
    args: [{ requestedBy: 'first' }],
    startWorkflowOperation: start,
  });
  return (await start.workflowHandle()) as Handle;
}

/** How a workflow that did not complete has ended. */
export function endOf(error: unknown): { ended: string; message: string } {
  if (!(error instanceof WorkflowFailedError)) throw error;
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return { ended: cause.type ?? '', message: cause.message };
  return { ended: cause?.name === 'CancelledFailure' ? 'cancelled' : String(cause), message: '' };
}
