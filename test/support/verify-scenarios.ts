import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { failed, inconclusive, passed } from '../../src/activities/checks/check.js';
import { CONTROL_QUEUE, STREAM_QUEUE } from '../../src/core/ids.js';
import type { Finding, Stage } from '../../src/core/verification.js';
import type {
  PlannedCheck,
  RunCheckInput,
  VerificationPlan,
  VerificationResult,
  VerifyInput,
} from '../../src/messages.js';
import { waitUntil } from '../../src/wait-until.js';
import { verifyJoin } from '../../src/workflows/verify-definitions.js';
import type { verifyDeployment } from '../../src/workflows/verify-deployment.js';
import { endOf } from './gold-day-scenarios.js';
import { cancelled } from './until-cancelled.js';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof verifyDeployment>;

const planned = (check: string, stage: Stage, more: Partial<PlannedCheck> = {}): PlannedCheck => ({
  check,
  hop: `hop of ${check}`,
  stage,
  timeoutMs: 5_000,
  probes: false,
  ...more,
});

/** Activities of verifyDeployment without any service: the plan, and what each attempt at a check comes to. */
export class VerifyFakes {
  plan: readonly PlannedCheck[] = [
    // Not in the order of their stages.
    planned('content', 'content'),
    planned('tables', 'hops'),
    planned('canary', 'canary'),
    planned('workers', 'hops', { probes: true }),
  ];
  /** What the next attempts at a check come to, one by one; then it passes. */
  readonly findings = new Map<string, (Finding | Error)[]>();
  planning: ApplicationFailure | undefined;
  recording: ApplicationFailure | undefined;
  /** Whether a worker of the streams is there. */
  streams = true;
  /** Makes every check last until it is cancelled. */
  endless = false;
  /** `name` begins, `/name` ends. */
  readonly steps: string[] = [];
  readonly inputs: RunCheckInput[] = [];
  readonly records: VerificationResult[] = [];
  cleanedUp = 0;
  canariesRemoved = 0;

  readonly activities = {
    removeLeftCanary: (): Promise<void> => {
      this.canariesRemoved += 1;
      return Promise.resolve();
    },
    planVerification: (): Promise<VerificationPlan> =>
      this.planning === undefined
        ? Promise.resolve({ checks: this.plan, codeVersion: 'v' })
        : Promise.reject(this.planning),
    runCheck: async (input: RunCheckInput): Promise<Finding> => {
      this.steps.push(input.check);
      this.inputs.push(input);
      if (this.endless) await this.untilCancelled();
      const next = this.findings.get(input.check)?.shift() ?? passed('well');
      this.steps.push(`/${input.check}`);
      if (next instanceof Error) throw next;
      return next;
    },
    recordVerification: (result: VerificationResult): Promise<void> => {
      this.records.push(result);
      return this.recording === undefined ? Promise.resolve() : Promise.reject(this.recording);
    },
  };

  private async untilCancelled(): Promise<never> {
    try {
      return await cancelled();
    } finally {
      this.cleanedUp += 1;
    }
  }
}

/** A way a verification can go. */
export interface VerifyScenario {
  readonly name: string;
  readonly input?: VerifyInput;
  readonly given?: (fakes: VerifyFakes) => void;
  readonly meanwhile?: (handle: Handle, fakes: VerifyFakes) => Promise<void>;
}

export interface VerifyOutcome {
  readonly result: VerificationResult | undefined;
  /** The type of the failure that ended the workflow; `cancelled` when it was. */
  readonly ended: string | undefined;
  readonly handle: Handle;
  readonly fakes: VerifyFakes;
  /** From its start to its end by the server's clock, ms. */
  readonly tookMs: number;
}

const missing = failed('a table is missing', { table: 't' }, 'make it');
const unknown = inconclusive('no answer', { error: 'X' }, 'ask again');
const finding = (fakes: VerifyFakes, check: string, ...next: (Finding | Error)[]): void =>
  void fakes.findings.set(check, next);

/** Those of which a history is recorded. */
export const VERIFY_SCENARIOS = {
  passed: { name: 'passed' },
  retried: {
    name: 'retried',
    input: { retryDelayMs: 30_000 },
    given: (fakes) => finding(fakes, 'tables', missing, unknown),
  },
  failed: {
    name: 'failed',
    input: { retries: 1 },
    given: (fakes) => finding(fakes, 'tables', missing, missing),
  },
  within: {
    name: 'within-limits',
    input: { retries: 0, failureLimit: 1, errorLimit: 1, initialDelayMs: 60_000 },
    given: (fakes) => {
      finding(fakes, 'tables', missing);
      finding(fakes, 'canary', unknown);
    },
  },
  checkBreaks: {
    name: 'check-breaks',
    input: { retries: 0 },
    given: (fakes) =>
      finding(fakes, 'canary', ApplicationFailure.nonRetryable('meeting an unforeseen Error', 'UNFORESEEN')),
  },
  workerSilent: {
    name: 'worker-silent',
    input: { retries: 0 },
    given: (fakes) => {
      fakes.streams = false;
      fakes.plan = fakes.plan.filter(({ check }) => check === 'workers');
    },
  },
  unrecorded: {
    name: 'unrecorded',
    given: (fakes) =>
      (fakes.recording = ApplicationFailure.nonRetryable('no answer', 'CLICKHOUSE_UNREACHABLE')),
  },
  refused: {
    name: 'refused',
    given: (fakes) => (fakes.planning = ApplicationFailure.nonRetryable('there is no x', 'BAD_CHECKS')),
  },
  joined: {
    name: 'joined',
    input: { requestedBy: 'first', initialDelayMs: 60_000 },
    meanwhile: async (handle) => void (await handle.executeUpdate(verifyJoin, { args: ['second'] })),
  },
  cancelled: {
    name: 'cancelled',
    given: (fakes) => (fakes.endless = true),
    meanwhile: async (handle, fakes) => {
      const runs = () => Promise.resolve(fakes.inputs.length === 2);
      await waitUntil('the checks to be made', runs, { timeoutMs: 30_000, everyMs: 20 });
      await handle.cancel();
    },
  },
} satisfies Record<string, VerifyScenario>;

/** Plays a scenario to its end. */
export async function playVerify(
  env: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  scenario: VerifyScenario,
): Promise<VerifyOutcome> {
  const fakes = new VerifyFakes();
  scenario.given?.(fakes);
  const taskQueue = `verify-${scenario.name}`;
  const connection = env.nativeConnection;
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowBundle,
    activities: fakes.activities,
    maxHeartbeatThrottleInterval: '50ms',
    defaultHeartbeatThrottleInterval: '50ms',
  });
  const queues = fakes.streams ? [CONTROL_QUEUE, STREAM_QUEUE] : [CONTROL_QUEUE];
  const probed = await Promise.all(
    queues.map((queue) =>
      Worker.create({
        connection,
        taskQueue: queue,
        activities: {
          answerProbe: () => Promise.resolve({ pid: 7, host: queue, codeVersion: 'v' }),
        },
      }),
    ),
  );
  const played = worker.runUntil(async () => {
    const handle = await env.client.workflow.start<typeof verifyDeployment>('verifyDeployment', {
      workflowId: `verify/${scenario.name}`,
      taskQueue,
      args: [scenario.input ?? {}],
    });
    await scenario.meanwhile?.(handle, fakes);
    const end = await handle.result().then(
      (result) => ({ result, ended: undefined }),
      (error: unknown) => ({ result: undefined, ended: endOf(error).ended }),
    );
    const { startTime, closeTime } = await handle.describe();
    return { ...end, handle, fakes, tookMs: Number(closeTime) - Number(startTime) };
  });
  return probed.reduce((inner, one) => one.runUntil(inner), played);
}
