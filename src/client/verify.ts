import { setTimeout as pause } from 'node:timers/promises';
import {
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { CHECKS } from '../activities/checks/index.js';
import { readVerifications } from '../activities/verification-record.js';
import { serviceFault } from '../clients/fault.js';
import { fromTemporal } from '../clients/workflow-fault.js';
import { codeVersion } from '../code-version.js';
import { PipelineError } from '../core/errors.js';
import { CONTROL_QUEUE, VERIFY_WORKFLOW_ID } from '../core/ids.js';
import { combine, selectChecks, summarise, type CheckResult } from '../core/verification.js';
import type { VerificationResult, VerifyInput, VerifyProgress } from '../messages.js';
import { verifyJoin, verifyProgress } from '../workflows/verify-definitions.js';
import type { verifyDeployment } from '../workflows/verify-deployment.js';
import type { ClientConnections } from './connections.js';
import { requireWorker } from './require-worker.js';
import { watched } from './watched.js';

export interface VerifyOptions extends VerifyInput {
  /** Told now and then how far it is. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyHistoryOptions {
  /** How many verifications, the newest first; default 10. */
  readonly limit?: number;
}

/** How long a worker may take to begin, ms: one that has just started bundles its workflows first. */
const BEGIN_MS = 20_000;
const NOT_READY_PAUSE_MS = 250;
/** A bound for what no worker ends any more, far beyond any verification. */
const LONGEST = '6h';

type Workflow = typeof verifyDeployment;

/** `tidemark.verify`: whether the deployment works, hop by hop. */
export class VerifyClient {
  readonly #connections: ClientConnections;

  constructor(connections: ClientConnections) {
    this.#connections = connections;
  }

  /** Names of all checks, in their order. Not every one applies to every deployment. */
  checks(): string[] {
    return CHECKS.map(({ name }) => name);
  }

  /**
   * Verifies the deployment and waits for the verdict; joins a verification with the same options under way. What is broken
   * is in the result, also a Temporal that does not answer and a worker that is not there; only what kept the question
   * itself from being asked is thrown.
   * @throws PipelineError `BAD_CHECKS`, `BAD_OPTION`, `VERIFICATION_RUNNING` (with other options), `WORKFLOW_ENDED` ...
   */
  async run({ onProgress, ...input }: VerifyOptions = {}): Promise<VerificationResult> {
    selectChecks(this.checks(), input);
    requireSense(input);
    const startedAtMs = Date.now();
    try {
      const client = await this.#connections.temporal();
      await requireWorker(client, CONTROL_QUEUE, 'workflow');
      return await watched(await startOrJoin(client, input), verifyProgress, onProgress);
    } catch (error) {
      const unstarted = BROKEN[error instanceof PipelineError ? error.code : ''];
      if (unstarted === undefined) throw fromTemporal('verifying the deployment', error);
      const summary = error instanceof Error ? error.message : '';
      return withoutWorkflow({ ...unstarted, summary, startedAtMs, finishedAtMs: Date.now() }, input);
    }
  }

  /** The recorded verifications, the newest first. @throws PipelineError `CLICKHOUSE_UNREACHABLE` ... */
  async history({ limit = 10 }: VerifyHistoryOptions = {}): Promise<VerificationResult[]> {
    const { clickhouse, config } = this.#connections;
    try {
      return await readVerifications({ clickhouse, database: config.clickhouse.database }, limit);
    } catch (cause) {
      throw serviceFault('clickhouse', 'reading the verifications', cause);
    }
  }
}

/** Faults that are findings themselves: no workflow can be started to make them. */
const BROKEN: Readonly<Record<string, Pick<CheckResult, 'check' | 'hop' | 'next'>>> = {
  TEMPORAL_UNREACHABLE: { check: 'temporal', hop: 'temporal', next: 'start Temporal (tidemark up)' },
  NO_WORKER: { check: 'workers', hop: 'workers', next: `start a worker of ${CONTROL_QUEUE} (tidemark up)` },
};

function withoutWorkflow(
  found: Pick<CheckResult, 'check' | 'hop' | 'next' | 'summary'> & {
    readonly startedAtMs: number;
    readonly finishedAtMs: number;
  },
  { requestedBy = '', failureLimit = 0, errorLimit = 0 }: VerifyInput,
): VerificationResult {
  const { startedAtMs, finishedAtMs, ...finding } = found;
  const checks: CheckResult[] = [
    { ...finding, verdict: 'Failed', evidence: {}, attempts: 1, durationMs: finishedAtMs - startedAtMs },
  ];
  // Nothing else was checked: no limit makes that a pass.
  const verdict = combine(checks, { failureLimit: 0, errorLimit: 0 });
  return {
    verdict,
    summary: summarise(checks, verdict),
    checks,
    workflowId: '',
    runId: '',
    requestedBy,
    codeVersion: codeVersion(),
    startedAtMs,
    finishedAtMs,
    failureLimit,
    errorLimit,
    recorded: false,
  };
}

const NUMBERS = [
  'retries',
  'retryDelayMs',
  'initialDelayMs',
  'failureLimit',
  'errorLimit',
  'canaryTimeoutMs',
  'repairLimitRows',
  'slotLagLimitBytes',
  'consumerLagLimitRows',
  'errorWindowMs',
] as const;

function requireSense(input: VerifyInput): void {
  for (const name of NUMBERS) {
    const value = input[name];
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw new PipelineError(
      'BAD_OPTION',
      `verifying the deployment: ${name} is ${value}; it must be 0 or more`,
    );
  }
}

async function startOrJoin(client: Client, input: VerifyInput): Promise<WorkflowHandle<Workflow>> {
  const { running, handle } = await begun(client, input);
  if (sameQuestion(running, input)) return handle;
  const message = 'verifying the deployment: a verification with other options is under way';
  throw new PipelineError('VERIFICATION_RUNNING', message, { retryable: true });
}

/**
 * Resolves with the first answer of the workflow itself, which proves that a worker has it: a task queue remembers pollers
 * for minutes after they died.
 */
async function begun(
  client: Client,
  input: VerifyInput,
): Promise<{ running: VerifyInput; handle: WorkflowHandle<Workflow> }> {
  const untilMs = Date.now() + BEGIN_MS;
  for (;;) {
    const start = startOperation(input);
    try {
      const running = await client.connection.withDeadline(untilMs, () =>
        client.workflow.executeUpdateWithStart(verifyJoin, {
          args: [input.requestedBy ?? ''],
          startWorkflowOperation: start,
        }),
      );
      return { running, handle: await start.workflowHandle() };
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) throw noWorker();
      if (!isNotReady(error)) throw error;
    }
    if (Date.now() >= untilMs) throw noWorker();
    await pause(NOT_READY_PAUSE_MS);
  }
}

const startOperation = (input: VerifyInput): WithStartWorkflowOperation<Workflow> =>
  new WithStartWorkflowOperation<Workflow>('verifyDeployment', {
    workflowId: VERIFY_WORKFLOW_ID,
    taskQueue: CONTROL_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowRunTimeout: LONGEST,
    staticSummary: 'verification of the deployment',
  });

/** gRPC's FAILED_PRECONDITION: a worker has died with a task of the workflow, and no other has taken it yet. */
const isNotReady = (error: unknown): boolean => isGrpcServiceError(error) && Number(error.code) === 9;

function noWorker(): PipelineError {
  const message = `looking for a worker: none of ${CONTROL_QUEUE} has begun within ${BEGIN_MS / 1_000} s`;
  return new PipelineError('NO_WORKER', message, { retryable: true, at: { service: 'worker' } });
}

function sameQuestion(one: VerifyInput, other: VerifyInput): boolean {
  const text = (input: VerifyInput): string =>
    JSON.stringify(
      Object.entries(input)
        .filter(([name]) => name !== 'requestedBy')
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  return text(one) === text(other);
}
