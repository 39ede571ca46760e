import { MockActivityEnvironment } from '@temporalio/testing';
import type { Check, CheckDeps } from '../../src/activities/checks/check.js';
import type { Config } from '../../src/config.js';
import type { Finding } from '../../src/core/verification.js';
import type { VerifyInput } from '../../src/messages.js';
import { openConnections, type Connections } from '../../src/workers/connections.js';

/** Makes checks as a worker does, without a workflow around them. */
export class CheckRunner {
  readonly deps: CheckDeps;
  readonly #connections: Connections;
  #runs = 0;

  private constructor(config: Config, connections: Connections) {
    this.#connections = connections;
    // Checks of content ask nothing of Temporal.
    this.deps = { ...connections, config, temporal: undefined as never };
  }

  static async open(config: Config): Promise<CheckRunner> {
    return new CheckRunner(config, await openConnections(config));
  }

  run(
    check: Check,
    options: VerifyInput = {},
    progress: (step: string) => void = () => undefined,
  ): Promise<Finding> {
    return this.within((signal) =>
      check.run(this.deps, {
        options,
        runId: `test-${++this.#runs}`,
        probes: [],
        signal,
        progress,
      }),
    );
  }

  /** Runs something as an activity would. */
  within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return new MockActivityEnvironment().run(() => work(new AbortController().signal));
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}
