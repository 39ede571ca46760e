import { WorkflowNotFoundError } from '@temporalio/client';
import type { QueryDefinition, SignalDefinition } from '@temporalio/common';
import { fromTemporal } from '../clients/workflow-fault.js';
import { PipelineError } from '../core/errors.js';
import type { JobPlan, JobProgress, JobReport, JobResult } from '../messages.js';
import type { ClientConnections } from './connections.js';
import type { JobStatusParts } from './job-status.js';
import { liveReports, pendingFault } from './lap-reports.js';
import { startJob } from './start-job.js';

type SlicedJobWorkflow = (input: { readonly job: string }) => Promise<JobResult>;

/** A kind of job that runs in slices and a merge stage. */
export interface SlicedJobKind<Plan extends JobPlan> {
  /** As in "starting count x". */
  readonly noun: string;
  readonly workflow: string;
  readonly workflowId: (job: string) => string;
  /** Code of the error that there is none of that name. */
  readonly missing: string;
  readonly stop: SignalDefinition;
  readonly progress: QueryDefinition<JobProgress<Plan>>;
}

/** Starts, waits for, stops and looks at jobs of one kind. */
export class SlicedJobs<Plan extends JobPlan> {
  readonly #connections: ClientConnections;
  readonly #kind: SlicedJobKind<Plan>;

  constructor(connections: ClientConnections, kind: SlicedJobKind<Plan>) {
    this.#connections = connections;
    this.#kind = kind;
  }

  /** As `startJob`. @throws PipelineError `JOB_EXISTS`, `NO_WORKER`, `TEMPORAL_UNREACHABLE`. */
  async start(input: { readonly job: string }, summary: string): Promise<void> {
    const { noun, workflow, workflowId } = this.#kind;
    const what = `${noun} ${input.job}`;
    const start = { what, workflow, workflowId: workflowId(input.job), summary };
    await startJob(this.#connections, start, input);
  }

  /** @throws PipelineError with the code of what ended the job. */
  async wait(job: string): Promise<JobResult> {
    const handle = await this.#handle(job);
    try {
      return await handle.result();
    } catch (error) {
      throw fromTemporal(`waiting for ${this.#kind.noun} ${job}`, error);
    }
  }

  /** Ends a job at its next commit and waits for that; a start with the same input goes on. */
  async stop(job: string): Promise<JobResult> {
    const handle = await this.#handle(job);
    try {
      await handle.signal(this.#kind.stop);
      return await handle.result();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw this.#none(job);
      throw fromTemporal(`stopping ${this.#kind.noun} ${job}`, error);
    }
  }

  /** What is known of a job, from its workflow and from its laps' heartbeats. */
  async look(job: string): Promise<JobStatusParts<Plan>> {
    const handle = await this.#handle(job);
    const described = await handle.describe().catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) throw this.#none(job);
      throw fromTemporal(`looking at ${this.#kind.noun} ${job}`, error);
    });
    const workflow = described.status.name;
    const over = workflow === 'RUNNING' ? null : await this.#endOf(() => handle.result());
    // A workflow that has ended is asked too: its history answers. One that failed at once may have no answer.
    const progress = await handle.query(this.#kind.progress).catch(() => null);
    const live = liveReports<JobReport>(described);
    const fault = over?.fault ?? pendingFault(described);
    return { job, progress, workflow, outcome: over?.outcome ?? null, live, fault };
  }

  async #handle(job: string) {
    const client = await this.#connections.temporal();
    return client.workflow.getHandle<SlicedJobWorkflow>(this.#kind.workflowId(job));
  }

  /** How a workflow that is over has ended. */
  async #endOf(
    result: () => Promise<JobResult>,
  ): Promise<{ outcome: JobResult['outcome'] | null; fault: string | null }> {
    try {
      return { outcome: (await result()).outcome, fault: null };
    } catch (error) {
      const { code, message } = fromTemporal(`running ${this.#kind.noun}`, error);
      return { outcome: null, fault: `${message} (${code})` };
    }
  }

  #none(job: string): PipelineError {
    const { noun, missing } = this.#kind;
    return new PipelineError(missing, `looking for ${noun} ${job}: there is none of that name`);
  }
}
