// Mocha's spec reporter, which also leaves its counts, and what failed with its first line, in the file that
// TIDEMARK_TEST_COUNTS names.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const faults = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      faults.push(`${test.fullTitle()}: ${String(error.message).split('\n', 1)[0]}`);
    });
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const counts = { passed: passes, failed: failures, skipped: pending, faults };
      writeFileSync(process.env.TIDEMARK_TEST_COUNTS, JSON.stringify(counts));
    });
  }
}
