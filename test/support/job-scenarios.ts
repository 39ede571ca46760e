import type { QueryDefinition, Workflow, WorkflowResultType } from '@temporalio/common';
import type { WorkflowHandleWithFirstExecutionRunId, WorkflowStartOptions } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { STREAM_QUEUE } from '../../src/core/ids.js';
import { waitUntil } from '../../src/wait-until.js';
import { endOf } from './gold-day-scenarios.js';
import type { Play } from './workflow-server.js';

type Handle<Job extends Workflow> = WorkflowHandleWithFirstExecutionRunId<Job>;

/** A way a job can go: what the services answer, and what is told to the workflow while it runs. */
export interface JobScenario<Job extends Workflow, Fakes> {
  readonly name: string;
  readonly input?: Partial<Parameters<Job>[0]>;
  readonly given?: (fakes: Fakes) => void;
  readonly meanwhile?: (handle: Handle<Job>, fakes: Fakes) => Promise<void>;
}

export interface JobOutcome<Job extends Workflow, Fakes, Progress> {
  readonly result: WorkflowResultType<Job> | undefined;
  /** The type of the failure that ended the workflow; `cancelled` when it was. */
  readonly ended: string | undefined;
  readonly message: string;
  readonly handle: Handle<Job>;
  readonly fakes: Fakes;
  /** As the workflow answered once it was over. */
  readonly progress: Progress;
}

/** Activities without any service, by the queue they are asked on; each notes that it was asked. */
interface JobFakes {
  readonly asked: readonly string[];
  readonly control: object;
  readonly stream: object;
}

export interface JobKind<Job extends Workflow, Fakes extends JobFakes, Progress> {
  /** Begins the names of queues and the ids of workflows. */
  readonly kind: string;
  readonly workflow: string;
  readonly fakes: () => Fakes;
  /** What every scenario asks for unless it says otherwise. */
  readonly input: (job: string) => Parameters<Job>[0];
  readonly progress: QueryDefinition<Progress>;
}

/** Resolves when an activity has been asked for. */
export const asked = (fakes: JobFakes, name: string): Promise<boolean> =>
  waitUntil(`${name} to be asked`, () => Promise.resolve(fakes.asked.includes(name)), {
    timeoutMs: 30_000,
    everyMs: 20,
  });

/** Plays a scenario to its end, on a server whose time is the real one: laps heartbeat by the wall clock. */
export const playJob =
  <Job extends Workflow, Fakes extends JobFakes, Progress>({
    kind,
    workflow,
    fakes: makeFakes,
    input,
    progress,
  }: JobKind<Job, Fakes, Progress>): Play<JobScenario<Job, Fakes>, JobOutcome<Job, Fakes, Progress>> =>
  async (env, workflowBundle, scenario) => {
    const fakes = makeFakes();
    scenario.given?.(fakes);
    const taskQueue = `${kind}-${scenario.name}`;
    const common = {
      connection: env.nativeConnection,
      maxHeartbeatThrottleInterval: '50ms',
      defaultHeartbeatThrottleInterval: '50ms',
    } as const;
    const control = await Worker.create({
      ...common,
      taskQueue,
      workflowBundle,
      activities: fakes.control,
    });
    const stream = await Worker.create({ ...common, taskQueue: STREAM_QUEUE, activities: fakes.stream });
    return stream.runUntil(
      control.runUntil(async () => {
        // That a job has one argument cannot be seen of a type parameter.
        const options = {
          workflowId: `${kind}/${scenario.name}`,
          taskQueue,
          args: [{ ...input(scenario.name), ...scenario.input }],
        } as unknown as WorkflowStartOptions<Job>;
        const handle = await env.client.workflow.start<Job>(workflow, options);
        await scenario.meanwhile?.(handle, fakes);
        const end = await handle.result().then(
          (result) => ({ result, ended: undefined, message: '' }),
          (error: unknown) => ({ result: undefined, ...endOf(error) }),
        );
        return { ...end, handle, fakes, progress: await handle.query(progress) };
      }),
    );
  };
