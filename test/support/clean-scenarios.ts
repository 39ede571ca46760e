import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { STREAM_QUEUE } from '../../src/core/ids.js';
import { cleanTopic, deadLetterTopic, insightsTopic, LOGINS_TOPIC } from '../../src/core/names.js';
import type { CleanProgress, CleanResult } from '../../src/messages.js';
import { waitUntil } from '../../src/wait-until.js';
import { cleanProgress, stopClean } from '../../src/workflows/clean-definitions.js';
import type { cleanLogins } from '../../src/workflows/clean-logins.js';
import { CleanFakes } from './clean-fakes.js';
import { endOf } from './gold-day-scenarios.js';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof cleanLogins>;

/** A way a cleaning can go: what the services answer, and what is told to the workflow while it runs. */
export interface CleanScenario {
  readonly name: string;
  readonly given?: (fakes: CleanFakes) => void;
  readonly meanwhile?: (handle: Handle, fakes: CleanFakes) => Promise<void>;
}

export interface PlayedClean {
  readonly result: CleanResult | undefined;
  /** The type of the failure that ended the workflow; `cancelled` when it was. */
  readonly ended: string | undefined;
  readonly message: string;
  readonly handle: Handle;
  readonly fakes: CleanFakes;
  /** As the workflow answered once it was over. */
  readonly progress: CleanProgress;
}

const sliceRuns = (fakes: CleanFakes): Promise<boolean> =>
  waitUntil('a lap of a slice', () => Promise.resolve(fakes.asked.includes('cleanSlice')), {
    timeoutMs: 30_000,
    everyMs: 20,
  });

/** Those of which a history is recorded. */
export const CLEAN_SCENARIOS = {
  cleaned: { name: 'cleaned', given: (fakes) => (fakes.slices = 2) },
  refused: {
    name: 'refused',
    given: (fakes) =>
      (fakes.planning = ApplicationFailure.nonRetryable('planning: no such topic', 'TOPIC_MISSING')),
  },
  broken: {
    name: 'broken',
    given: (fakes) =>
      (fakes.broken = ApplicationFailure.nonRetryable('partition 0: 3 read, 1 clean', 'IDENTITY_BROKEN')),
  },
  stopped: {
    name: 'stopped',
    given: (fakes) => (fakes.endless = true),
    meanwhile: async (handle, fakes) => {
      await sliceRuns(fakes);
      await handle.signal(stopClean);
    },
  },
} satisfies Record<string, CleanScenario>;

/** Plays a scenario to its end, on a server whose time is the real one: laps heartbeat by the wall clock. */
export async function playClean(
  env: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  scenario: CleanScenario,
): Promise<PlayedClean> {
  const fakes = new CleanFakes();
  scenario.given?.(fakes);
  const taskQueue = `clean-${scenario.name}`;
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
  const topics = {
    source: LOGINS_TOPIC,
    clean: cleanTopic(LOGINS_TOPIC),
    dlq: deadLetterTopic(LOGINS_TOPIC),
    insights: insightsTopic(LOGINS_TOPIC),
  };
  return stream.runUntil(
    control.runUntil(async () => {
      const handle = await env.client.workflow.start<typeof cleanLogins>('cleanLogins', {
        workflowId: `clean/${scenario.name}`,
        taskQueue,
        args: [{ job: scenario.name, ...topics }],
      });
      await scenario.meanwhile?.(handle, fakes);
      const end = await handle.result().then(
        (result) => ({ result, ended: undefined, message: '' }),
        (error: unknown) => ({ result: undefined, ...endOf(error) }),
      );
      return { ...end, handle, fakes, progress: await handle.query(cleanProgress) };
    }),
  );
}
