import {
  CancellationScope,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { CONTROL_QUEUE, STREAM_QUEUE } from '../core/ids.js';
import { combine, STAGES, summarise, type CheckResult, type Finding } from '../core/verification.js';
import type {
  PlannedCheck,
  QueueProbe,
  VerificationPlan,
  VerificationResult,
  VerifyInput,
  VerifyProgress,
} from '../messages.js';
import { nowMs } from './clock.js';
import { failed, faultOf } from './failure.js';
import { verifyJoin, verifyProgress } from './verify-definitions.js';
import { canaryRemoval, checks, probe, verificationPlans, verificationRecords } from './verify-options.js';

/** A rebalance or a restart takes seconds: a check that meets one is made again. */
const RETRIES = 2;
const RETRY_DELAY_MS = 2_000;
const QUEUES = [CONTROL_QUEUE, STREAM_QUEUE];

/**
 * Verifies the deployment: the hops side by side, then the canary through all of them, then the contents. What is broken is
 * in the result, and no failure of the workflow. Its id is fixed, so that there is one at a time; who comes second joins.
 * @throws ApplicationFailure `BAD_CHECKS`.
 */
export async function verifyDeployment(input: VerifyInput): Promise<VerificationResult> {
  const run = new Verification(input);
  setHandler(verifyJoin, (requestedBy) => run.join(requestedBy));
  setHandler(verifyProgress, () => run.progress());
  await run.initialDelay();
  run.plan = await planned(input);
  for (const stage of STAGES) {
    const ofStage = run.plan.checks.filter((check) => check.stage === stage);
    await Promise.all(ofStage.map((check) => verify(run, check)));
  }
  const result = run.result();
  return { ...result, recorded: await recorded(result) };
}

async function planned(input: VerifyInput): Promise<VerificationPlan> {
  try {
    return await verificationPlans.planVerification(input);
  } catch (error) {
    throw isCancellation(error) ? error : failed(faultOf(error));
  }
}

/** Makes a check until it passes or its retries are used up. */
async function verify(run: Verification, check: PlannedCheck): Promise<void> {
  const { retries = RETRIES, retryDelayMs = RETRY_DELAY_MS } = run.input;
  const startedAtMs = nowMs();
  for (let attempts = 1; ; attempts += 1) {
    run.begin(check);
    const finding = await attempt(run, check);
    if (finding.verdict === 'Passed' || attempts > retries) {
      const { check: name, hop } = check;
      return run.end({ check: name, hop, ...finding, durationMs: nowMs() - startedAtMs, attempts });
    }
    await sleep(retryDelayMs);
  }
}

async function attempt(
  run: Verification,
  { check, stage, timeoutMs, probes }: PlannedCheck,
): Promise<Finding> {
  try {
    const answers = probes ? await Promise.all(QUEUES.map(askQueue)) : [];
    return await checks(timeoutMs).runCheck({ check, options: run.input, probes: answers });
  } catch (error) {
    // Its worker may have died: then nobody has cleaned up after it.
    if (stage === 'canary') await CancellationScope.nonCancellable(canaryRemoved);
    if (isCancellation(error)) throw error;
    const { code, message } = faultOf(error);
    const next = 'mend what kept the check from being made, then verify again';
    return { verdict: 'Inconclusive', summary: message, evidence: { error: code }, next };
  }
}

/** What cannot be removed now the next canary removes before it begins. */
async function canaryRemoved(): Promise<void> {
  try {
    await canaryRemoval.removeLeftCanary();
  } catch (error) {
    log.warn('a canary may be left at the sources', { ...faultOf(error) });
  }
}

async function askQueue(taskQueue: string): Promise<QueueProbe> {
  try {
    return { taskQueue, answeredBy: await probe(taskQueue).answerProbe() };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { taskQueue, answeredBy: null };
  }
}

async function recorded(result: VerificationResult): Promise<boolean> {
  try {
    await verificationRecords.recordVerification(result);
    return true;
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('the verification is not recorded', { ...faultOf(error) });
    return false;
  }
}

/** Who asked for the verification, and how far it is. */
class Verification {
  readonly input: VerifyInput;
  plan: VerificationPlan = { checks: [], codeVersion: '' };
  readonly #requesters = new Set<string>();
  readonly #startedAtMs = nowMs();
  readonly #running = new Set<string>();
  readonly #done = new Map<string, CheckResult>();

  constructor(input: VerifyInput) {
    this.input = input;
    this.join(input.requestedBy ?? '');
  }

  /** Answers with what is verified, for who comes second and may have wanted something else. */
  join(requestedBy: string): VerifyInput {
    if (requestedBy !== '') this.#requesters.add(requestedBy);
    return this.input;
  }

  async initialDelay(): Promise<void> {
    const { initialDelayMs = 0 } = this.input;
    if (initialDelayMs > 0) await sleep(initialDelayMs);
  }

  begin({ check }: PlannedCheck): void {
    this.#running.add(check);
    setCurrentDetails(this.progress().step);
  }

  end(result: CheckResult): void {
    this.#running.delete(result.check);
    this.#done.set(result.check, result);
    setCurrentDetails(this.progress().step);
  }

  progress(): VerifyProgress {
    const { checks: all } = this.plan;
    const step =
      all.length === 0
        ? 'waiting to begin'
        : `${this.#done.size} of ${all.length} checks made; at ${[...this.#running].join(', ') || 'their record'}`;
    return { step, planned: all, done: this.#results() };
  }

  result(): VerificationResult {
    const { failureLimit = 0, errorLimit = 0 } = this.input;
    const { workflowId, runId } = workflowInfo();
    const results = this.#results();
    const verdict = combine(results, { failureLimit, errorLimit });
    return {
      verdict,
      summary: summarise(results, verdict),
      checks: results,
      workflowId,
      runId,
      requestedBy: [...this.#requesters].join(', ') || workflowId,
      codeVersion: this.plan.codeVersion,
      startedAtMs: this.#startedAtMs,
      finishedAtMs: nowMs(),
      failureLimit,
      errorLimit,
      recorded: true,
    };
  }

  #results(): CheckResult[] {
    return this.plan.checks.flatMap(({ check }) => this.#done.get(check) ?? []);
  }
}
