import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { STREAM_QUEUE } from '../../src/core/ids.js';
import type { CountInput, CountProgress, CountResult } from '../../src/messages.js';
import { waitUntil } from '../../src/wait-until.js';
import { countProgress, stopCount } from '../../src/workflows/count-definitions.js';
import type { countUniqueUsers } from '../../src/workflows/count-unique-users.js';
import { CountFakes } from './count-fakes.js';
import { endOf } from './gold-day-scenarios.js';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof countUniqueUsers>;

/** A way a count can go: what the services answer, and what is told to the workflow while it runs. */
export interface CountScenario {
  readonly name: string;
  readonly input?: Partial<CountInput>;
  readonly given?: (fakes: CountFakes) => void;
  readonly meanwhile?: (handle: Handle, fakes: CountFakes) => Promise<void>;
}

export interface CountOutcome {
  readonly result: CountResult | undefined;
  /** The type of the failure that ended the workflow; `cancelled` when it was. */
  readonly ended: string | undefined;
  readonly message: string;
  readonly handle: Handle;
  readonly fakes: CountFakes;
  /** As the workflow answered once it was over. */
  readonly progress: CountProgress;
}

const sliceRuns = (fakes: CountFakes): Promise<boolean> =>
  waitUntil('a lap of a slice', () => Promise.resolve(fakes.asked.includes('countSlice')), {
    timeoutMs: 30_000,
    everyMs: 20,
  });

/** Those of which a history is recorded. */
export const COUNT_SCENARIOS = {
  counted: { name: 'counted' },
  slices: {
    name: 'slices',
    input: { slices: 3 },
    given: (fakes) => {
      fakes.slices = 3;
      fakes.mergeLaps = 2;
    },
  },
  recorded: {
    name: 'recorded',
    given: (fakes) => {
      const found = { job: 'recorded', outcome: 'finished', counts: { read: 7 }, gaps: [] } as const;
      fakes.result = { ...found, startedAtMs: 1, finishedAtMs: 2, codeVersion: '0', reused: false };
    },
  },
  refused: {
    name: 'refused',
    given: (fakes) =>
      (fakes.planning = ApplicationFailure.nonRetryable('planning: no such topic', 'TOPIC_MISSING')),
  },
  lapFails: { name: 'lap-fails', given: (fakes) => (fakes.failingLaps = 2) },
  stopped: {
    name: 'stopped',
    given: (fakes) => (fakes.endless = true),
    meanwhile: async (handle, fakes) => {
      await sliceRuns(fakes);
      await handle.signal(stopCount);
    },
  },
  cancelled: {
    name: 'cancelled',
    given: (fakes) => (fakes.endless = true),
    meanwhile: async (handle, fakes) => {
      await sliceRuns(fakes);
      await handle.cancel();
    },
  },
  gap: {
    name: 'gap',
    given: (fakes) => (fakes.gaps = [{ partition: 0, startOffset: '2', endOffset: '4', reason: 'expired' }]),
  },
} satisfies Record<string, CountScenario>;

/** Plays a scenario to its end, on a server whose time is the real one: laps heartbeat by the wall clock. */
export async function playCount(
  env: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  scenario: CountScenario,
): Promise<CountOutcome> {
  const fakes = new CountFakes();
  scenario.given?.(fakes);
  const taskQueue = `count-${scenario.name}`;
  const connection = env.nativeConnection;
  const beats = { maxHeartbeatThrottleInterval: '50ms', defaultHeartbeatThrottleInterval: '50ms' } as const;
  const control = await Worker.create({
    connection,
    taskQueue,
    workflowBundle,
    activities: fakes.control,
    ...beats,
  });
  const stream = await Worker.create({
    connection,
    taskQueue: STREAM_QUEUE,
    activities: fakes.stream,
    ...beats,
  });
  return stream.runUntil(
    control.runUntil(async () => {
      const handle = await env.client.workflow.start<typeof countUniqueUsers>('countUniqueUsers', {
        workflowId: `count/${scenario.name}`,
        taskQueue,
        args: [{ job: scenario.name, source: 'frames', target: 'unique-users', ...scenario.input }],
      });
      await scenario.meanwhile?.(handle, fakes);
      const end = await handle.result().then(
        (result) => ({ result, ended: undefined, message: '' }),
        (error: unknown) => ({ result: undefined, ...endOf(error) }),
      );
      return { ...end, handle, fakes, progress: await handle.query(countProgress) };
    }),
  );
}
