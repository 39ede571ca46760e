import { Context } from '@temporalio/activity';
import { serviceFault } from '../clients/fault.js';
import { PipelineError } from '../core/errors.js';
import { selectChecks, type Finding } from '../core/verification.js';
import type {
  PlannedCheck,
  RunCheckInput,
  VerificationPlan,
  VerificationResult,
  VerifyInput,
} from '../messages.js';
import { removeLeftCanary } from './checks/canary.js';
import { failed, inconclusive, type Check, type CheckDeps } from './checks/check.js';
import { insertVerification } from './verification-record.js';

export interface VerifyDeps extends CheckDeps {
  /** For a few small questions: a ClickHouse that hangs is told from one that works hard. */
  readonly quickClickhouse: CheckDeps['clickhouse'];
  readonly checks: readonly Check[];
  readonly codeVersion: string;
}

/** A few questions to one system: milliseconds, unless it is hard pressed. */
const TIMEOUT_MS = 30_000;
/** Heartbeats: well below the timeout (workflows/verify-options.ts). */
const HEARTBEAT_EVERY_MS = 1_000;

export type VerifyActivities = ReturnType<typeof createVerifyActivities>;

export function createVerifyActivities(deps: VerifyDeps) {
  return {
    /** What is to be checked here. @throws `BAD_CHECKS` when the names asked for are wrong or leave nothing. */
    planVerification: async (options: VerifyInput): Promise<VerificationPlan> =>
      Promise.resolve({ checks: planned(deps, options), codeVersion: deps.codeVersion }),

    /** One attempt at a check. Always answers, but when it is cancelled. */
    runCheck: async (input: RunCheckInput): Promise<Finding> => {
      const { cancellationSignal } = Context.current();
      const check = applying(deps).find(({ name }) => name === input.check);
      if (check === undefined)
        throw new PipelineError('BAD_CHECKS', `checking: there is no ${input.check} here`);
      try {
        return await heartbeating(check, deps, input);
      } catch (error) {
        cancellationSignal.throwIfAborted();
        return ofError(check, error);
      }
    },

    /** Removes a canary whose check was cut off; leaves alone one that is under way. */
    removeLeftCanary: (): Promise<void> => removeLeftCanary(deps),

    /** Keeps a result in ops_verifications; again: changes nothing. */
    recordVerification: async (result: VerificationResult): Promise<void> => {
      try {
        const { quickClickhouse: clickhouse, config } = deps;
        await insertVerification({ clickhouse, database: config.clickhouse.database }, result);
      } catch (cause) {
        throw serviceFault('clickhouse', 'recording a verification', cause);
      }
    },
  };
}

const applying = ({ checks, config }: VerifyDeps): Check[] =>
  checks.filter(({ applies }) => applies?.(config) ?? true);

function planned(deps: VerifyDeps, options: VerifyInput): PlannedCheck[] {
  const known = deps.checks.map(({ name }) => name);
  const names = selectChecks(known, options);
  const chosen = applying(deps).filter(({ name }) => names.includes(name));
  if (chosen.length === 0)
    throw new PipelineError('BAD_CHECKS', `choosing checks: ${names.join(', ')} does not apply here`);
  return chosen.map(({ name, hop, stage, timeoutMs, probes = false }) => ({
    check: name,
    hop,
    stage,
    timeoutMs: timeoutMs?.(options) ?? TIMEOUT_MS,
    probes,
  }));
}

async function heartbeating(
  check: Check,
  deps: VerifyDeps,
  { options, probes }: RunCheckInput,
): Promise<Finding> {
  const activity = Context.current();
  let step = check.name;
  const heartbeat = setInterval(() => activity.heartbeat(step), HEARTBEAT_EVERY_MS);
  try {
    const clickhouse = check.stage === 'hops' ? deps.quickClickhouse : deps.clickhouse;
    return await check.run(
      { ...deps, clickhouse },
      {
        options,
        runId: activity.info.workflowExecution?.runId ?? '',
        probes,
        signal: activity.cancellationSignal,
        progress: (line) => (step = line),
      },
    );
  } finally {
    clearInterval(heartbeat);
  }
}

/** A hop whose own system does not answer has failed; any other error is one of the check. No foreign message gets out. */
export function ofError({ hop }: Pick<Check, 'hop'>, error: unknown): Finding {
  if (!(error instanceof PipelineError)) {
    const name = error instanceof Error ? error.name : typeof error;
    return inconclusive(`meeting an unforeseen ${name}`, { error: name }, "look into the worker's log");
  }
  const { code } = error;
  const evidence = { error: code };
  if (code === `${hop.toUpperCase()}_UNREACHABLE`) {
    return failed(error.message, evidence, `start ${hop}, or mend the way to it (tidemark status)`);
  }
  return inconclusive(error.message, evidence, 'mend what kept the check from being made, then verify again');
}
