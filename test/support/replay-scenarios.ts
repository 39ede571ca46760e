import { ApplicationFailure } from '@temporalio/common';
import type { ReplayProgress } from '../../src/messages.js';
import {
  pauseReplay,
  replayProgress,
  resumeReplay,
  setReplayRate,
} from '../../src/workflows/replay-definitions.js';
import type { replayTopicRange } from '../../src/workflows/replay-topic-range.js';
import { asked, playJob, type JobScenario } from './job-scenarios.js';
import { ReplayFakes } from './replay-fakes.js';

export type ReplayScenario = JobScenario<typeof replayTopicRange, ReplayFakes>;

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
      await asked(fakes, 'runReplayLap');
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
      await asked(fakes, 'runReplayLap');
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
export const playReplay = playJob<typeof replayTopicRange, ReplayFakes, ReplayProgress>({
  kind: 'replay',
  workflow: 'replayTopicRange',
  fakes: () => new ReplayFakes(),
  input: (job) => ({ job, source: 'a', target: 'b', selection: {} }),
  progress: replayProgress,
});
