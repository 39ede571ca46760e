import { ApplicationFailure } from '@temporalio/common';
import { cleanTopic, deadLetterTopic, insightsTopic, LOGINS_TOPIC } from '../../src/core/names.js';
import type { CleanProgress } from '../../src/messages.js';
import { cleanProgress, stopClean } from '../../src/workflows/clean-definitions.js';
import type { cleanLogins } from '../../src/workflows/clean-logins.js';
import { CleanFakes } from './clean-fakes.js';
import { asked, playJob, type JobScenario } from './job-scenarios.js';

export type CleanScenario = JobScenario<typeof cleanLogins, CleanFakes>;

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
      await asked(fakes, 'cleanSlice');
      await handle.signal(stopClean);
    },
  },
} satisfies Record<string, CleanScenario>;

/** Plays a scenario to its end. */
export const playClean = playJob<typeof cleanLogins, CleanFakes, CleanProgress>({
  kind: 'clean',
  workflow: 'cleanLogins',
  fakes: () => new CleanFakes(),
  input: (job) => ({
    job,
    source: LOGINS_TOPIC,
    clean: cleanTopic(LOGINS_TOPIC),
    dlq: deadLetterTopic(LOGINS_TOPIC),
    insights: insightsTopic(LOGINS_TOPIC),
  }),
  progress: cleanProgress,
});
