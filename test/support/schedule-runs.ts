import type { Client, ScheduleHandle, WorkflowHandle } from '@temporalio/client';
import { connectTemporal } from '../../src/clients/temporal.js';
import type { Config } from '../../src/config.js';
import { GOLD_SCHEDULE_ID } from '../../src/core/ids.js';
import type { goldBackfill } from '../../src/workflows/gold-backfill.js';
import { waitUntil } from '../../src/wait-until.js';

export type ScheduledRun = WorkflowHandle<typeof goldBackfill>;

/**
 * Runs of the schedule gold-daily, found by Temporal's list of workflows: to describe the schedule would make Temporal
 * look at how they ended.
 */
export class ScheduleRuns {
  readonly schedule: ScheduleHandle;
  readonly #client: Client;
  readonly #seen = new Set<string>();

  private constructor(client: Client) {
    this.#client = client;
    this.schedule = client.schedule.getHandle(GOLD_SCHEDULE_ID);
  }

  /** From now on: those that have begun before are known. */
  static async open(config: Config): Promise<ScheduleRuns> {
    const runs = new ScheduleRuns(await connectTemporal(config));
    while ((await runs.#unseen()) !== undefined);
    return runs;
  }

  /** One more that has begun, the newest first. */
  next(): Promise<ScheduledRun> {
    return waitUntil('a run of the schedule to begin', () => this.#unseen(), { timeoutMs: 30_000 });
  }

  /** Removes the schedule: other suites begin without one. */
  async close(): Promise<void> {
    await this.schedule.delete();
    await this.#client.connection.close();
  }

  async #unseen(): Promise<ScheduledRun | undefined> {
    const query = `TemporalScheduledById = '${GOLD_SCHEDULE_ID}'`;
    for await (const { workflowId, runId } of this.#client.workflow.list({ query })) {
      if (this.#seen.has(runId)) continue;
      this.#seen.add(runId);
      return this.#client.workflow.getHandle(workflowId, runId);
    }
    return undefined;
  }
}
