import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { STREAM_QUEUE } from '../../src/core/ids.js';
import type { ReplayInput, ReplayResult } from '../../src/messages.js';
import { waitUntil } from '../../src/wait-until.js';
import { pauseReplay, resumeReplay, setReplayRate } from '../../src/workflows/replay-definitions.js';
import type { replayTopicRange } from '../../src/workflows/replay-topic-range.js';
import { endOf } from './gold-day-scenarios.js';
import { ReplayFakes } from './replay-fakes.js';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof replayTopicRange>;

/** A way a replay can go: what the services answer, and what is told to the workflow while it runs. */
export interface ReplayScenario {
  readonly name: string;
  readonly input?: Partial<ReplayInput>;
  readonly given?: (fakes: ReplayFakes) => void;
  readonly meanwhile?: (handle: Handle, fakes: ReplayFakes) => Promise<void>;
}

export interface ReplayOutcome {
  readonly result: ReplayResult | undefined;
  /** The type of the failure that ended the workflow; `cancelled` when it was. */
  readonly ended: string | undefined;
  readonly message: string;
  readonly handle: Handle;
  readonly fakes: ReplayFakes;
}

/** Resolves when a lap is under way: the n-th, from 1. */
const lapRuns = (fakes: ReplayFakes, nth: number): Promise<boolean> =>
  waitUntil('a lap', () => Promise.resolve(fakes.laps.length >= nth), { timeoutMs: 30_000, everyMs: 20 });

/** Those of which a history is recorded. */
export const REPLAY_SCENARIOS = {
  copied: { name: 'copied' },
  slices: { name: 'slices', input: { slices: 3 }, given: (fakes) => (fakes.slices = 3) },
  recorded: {
    name: 'recorded',
    given: (fakes) => {
      const times = { startedAtMs: 1, finishedAtMs: 2 };
      const found = { job: 'recorded', counts: { selected: 7 }, gaps: [], verification: null, warnings: [] };
      fakes.result = { ...found, ...times, codeVersion: '0', reused: false };
    },
  },
  refused: {
    name: 'refused',
    given: (fakes) =>
      (fakes.planning = ApplicationFailure.nonRetryable('planning: retention.ms', 'TARGET_LIMITS')),
  },
  lapFails: { name: 'lap-fails', given: (fakes) => (fakes.failingLaps = 2) },
  paused: {
    name: 'paused',
    given: (fakes) => (fakes.endless = true),
    meanwhile: async (handle, fakes) => {
      await lapRuns(fakes, 1);
      await handle.signal(pauseReplay);
      // A paused replay starts no lap: the new rate is for the one after the pause.
      await handle.signal(setReplayRate, { recordsPerSecond: 100 });
      fakes.endless = false;
      await handle.signal(resumeReplay);
    },
  },
  cancelled: {
    name: 'cancelled',
    given: (fakes) => (fakes.endless = true),
    meanwhile: async (handle, fakes) => {
      await lapRuns(fakes, 1);
      await handle.cancel();
    },
  },
  gap: {
    name: 'gap',
    given: (fakes) => (fakes.gaps = [{ partition: 0, startOffset: '2', endOffset: '4', reason: 'expired' }]),
  },
  nothingSelected: { name: 'nothing-selected', given: (fakes) => (fakes.counts = { outside: 500 }) },
  different: { name: 'different', given: (fakes) => (fakes.verdict = 'failed') },
} satisfies Record<string, ReplayScenario>;

/** Plays a scenario to its end. */
export async function playReplay(
  env: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  scenario: ReplayScenario,
): Promise<ReplayOutcome> {
  const fakes = new ReplayFakes();
  scenario.given?.(fakes);
  const taskQueue = `replay-${scenario.name}`;
  const connection = env.nativeConnection;
  const control = await Worker.create({ connection, taskQueue, workflowBundle, activities: fakes.control });
  const stream = await Worker.create({
    connection,
    taskQueue: STREAM_QUEUE,
    activities: fakes.stream,
    maxHeartbeatThrottleInterval: '50ms',
    defaultHeartbeatThrottleInterval: '50ms',
  });
  return stream.runUntil(
    control.runUntil(async () => {
      const handle = await env.client.workflow.start<typeof replayTopicRange>('replayTopicRange', {
        workflowId: `replay/${scenario.name}`,
        taskQueue,
        args: [{ job: scenario.name, source: 'a', target: 'b', selection: {}, ...scenario.input }],
      });
      await scenario.meanwhile?.(handle, fakes);
      const end = await handle.result().then(
        (result) => ({ result, ended: undefined, message: '' }),
        (error: unknown) => ({ result: undefined, ...endOf(error) }),
      );
      return { ...end, handle, fakes };
    }),
  );
}
