import { ApplicationFailure } from '@temporalio/common';
import type { CountProgress } from '../../src/messages.js';
import { countProgress, stopCount } from '../../src/workflows/count-definitions.js';
import type { countUniqueUsers } from '../../src/workflows/count-unique-users.js';
import { CountFakes } from './count-fakes.js';
import { asked, playJob, type JobScenario } from './job-scenarios.js';

export type CountScenario = JobScenario<typeof countUniqueUsers, CountFakes>;

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
      await asked(fakes, 'countSlice');
      await handle.signal(stopCount);
    },
  },
  cancelled: {
    name: 'cancelled',
    given: (fakes) => (fakes.endless = true),
    meanwhile: async (handle, fakes) => {
      await asked(fakes, 'countSlice');
      await handle.cancel();
    },
  },
  gap: {
    name: 'gap',
    given: (fakes) => (fakes.gaps = [{ partition: 0, startOffset: '2', endOffset: '4', reason: 'expired' }]),
  },
} satisfies Record<string, CountScenario>;

/** Plays a scenario to its end. */
export const playCount = playJob<typeof countUniqueUsers, CountFakes, CountProgress>({
  kind: 'count',
  workflow: 'countUniqueUsers',
  fakes: () => new CountFakes(),
  input: (job) => ({ job, source: 'frames', target: 'unique-users' }),
  progress: countProgress,
});
