// Mocha's spec reporter, which also tells where the time went, and leaves its counts, and what failed with its first
// lines, in the file that TIDEMARK_TEST_COUNTS names.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

const { EVENT_RUN_END, EVENT_SUITE_BEGIN, EVENT_SUITE_END, EVENT_TEST_FAIL } = Mocha.Runner.constants;
/** Suites named at the end: the first ones to look at when a run takes too long. */
const SLOWEST = 12;
/** Of a failure's message, told again at the end: who sees only the end of a run still sees what differed, and what hooks added. */
const FIRST_LINES = 12;
const LAST_LINES = 8;

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failed = [];
    const suites = [];
    runner.on(EVENT_SUITE_BEGIN, (suite) => {
      if (suite.parent?.root) suites.push({ suite, startMs: Date.now(), ms: 0 });
    });
    runner.on(EVENT_SUITE_END, (suite) => {
      const ended = suites.at(-1);
      // Hooks included: most of the time is that of stacks starting.
      if (suite === ended?.suite) ended.ms = Date.now() - ended.startMs;
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => failed.push({ test, error }));
    runner.once(EVENT_RUN_END, () => {
      suites.sort((a, b) => b.ms - a.ms);
      for (const { suite, ms } of suites.slice(0, SLOWEST)) {
        console.log(`${(ms / 1000).toFixed(0).padStart(6)} s  ${suite.title}`);
      }
      const { passes, failures, pending } = this.stats;
      // Not before: hooks that come after a test add to its message.
      const faults = failed.map(({ test, error }) => {
        const lines = String(error.message).split('\n');
        lines.splice(FIRST_LINES, lines.length - FIRST_LINES - LAST_LINES);
        return `${test.fullTitle()}: ${lines.join('\n        ')}`;
      });
      const counts = { passed: passes, failed: failures, skipped: pending, faults };
      writeFileSync(process.env.TIDEMARK_TEST_COUNTS, JSON.stringify(counts));
    });
  }
}
