import type { CheckResult, Stage, Verdict, VerdictLimits } from '../core/verification.js';

export type { CheckResult, Finding, Json, Stage, Verdict, VerdictLimits } from '../core/verification.js';

/**
 * `none`: differences are reported. `plan`: and what a repair would do is shown. `apply`: silver is made right for
 * exactly the differing keys, from the source.
 */
export type RepairMode = 'none' | 'plan' | 'apply';

export interface VerifyInput extends Partial<VerdictLimits> {
  /** Names of checks; default all that apply to the deployment. */
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  /** How often a check that has not passed is made again; default 2. */
  readonly retries?: number;
  /** Pause before it is, ms; default 2 s. */
  readonly retryDelayMs?: number;
  /** How long to wait before the first check, ms: a deployment may need a moment; default 0. */
  readonly initialDelayMs?: number;
  /** How long the canary may take at one hop, ms; default 30 s. */
  readonly canaryTimeoutMs?: number;
  readonly repair?: RepairMode;
  /** Rows of a table that a repair may change at most; more fail the check, and nothing is changed. */
  readonly repairLimitRows?: number;
  /** Bytes of WAL that the replication slot may be behind. */
  readonly slotLagLimitBytes?: number;
  /** Messages of one topic that ClickHouse may be behind. */
  readonly consumerLagLimitRows?: number;
  /** How far back messages in bronze_errors count as new, ms. */
  readonly errorWindowMs?: number;
  /** Who asked, for the record. */
  readonly requestedBy?: string;
}

export interface VerificationResult extends VerdictLimits {
  readonly verdict: Verdict;
  /** One line: the verdict, counts, and the hops that did not pass. */
  readonly summary: string;
  /** In the order of their stages. */
  readonly checks: readonly CheckResult[];
  /** Of the Temporal workflow; both empty when it could not be started. */
  readonly workflowId: string;
  readonly runId: string;
  readonly requestedBy: string;
  /** Of the worker that chose the checks. */
  readonly codeVersion: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** Whether ops_verifications is known to hold the result: ClickHouse may be what is broken. */
  readonly recorded: boolean;
}

/** What the worker says is to be checked: all that applies to this deployment and was asked for. */
export interface VerificationPlan {
  readonly checks: readonly PlannedCheck[];
  readonly codeVersion: string;
}

export interface PlannedCheck {
  readonly check: string;
  readonly hop: string;
  readonly stage: Stage;
  /** How long one attempt may take, ms. */
  readonly timeoutMs: number;
  /** The workflow asks the workers of every task queue before each attempt, and hands in what they answer. */
  readonly probes: boolean;
}

/** Whether a worker of a task queue has answered, asked by the workflow itself. */
export interface QueueProbe {
  readonly taskQueue: string;
  /** The worker that answered; null: none did in time. */
  readonly answeredBy: { readonly pid: number; readonly host: string; readonly codeVersion: string } | null;
}

export interface RunCheckInput {
  readonly check: string;
  readonly options: VerifyInput;
  readonly probes: readonly QueueProbe[];
}

/** Answer of the query `progress`. */
export interface VerifyProgress {
  readonly step: string;
  readonly planned: readonly PlannedCheck[];
  readonly done: readonly CheckResult[];
}
