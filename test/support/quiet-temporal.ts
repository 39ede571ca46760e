import { IllegalStateError } from '@temporalio/common';
import { Runtime } from '@temporalio/worker';
import { QUIET } from './gold-day-scenarios.js';

/** Workers of this process log nothing. One runtime serves all suites of a process: whoever comes second finds it there. */
export function quietTemporal(): void {
  try {
    Runtime.install({ logger: QUIET });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}
