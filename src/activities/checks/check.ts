import type { ClickHouseClient } from '@clickhouse/client';
import type { Client } from '@temporalio/client';
import type { Admin } from 'kafkajs';
import type { MongoClient } from 'mongodb';
import type { Pool } from 'pg';
import type { ConnectClient } from '../../clients/connect.js';
import type { Config } from '../../config.js';
import type { Finding, Json, Stage } from '../../core/verification.js';
import type { QueueProbe, VerifyInput } from '../../messages.js';
import type { KafkaConnection } from '../../stream/kafka-connection.js';

/** Connections of the worker, shared by all checks: none closes what it did not open. */
export interface CheckDeps {
  readonly config: Config;
  readonly kafka: KafkaConnection;
  readonly admin: Admin;
  readonly connect: ConnectClient;
  readonly postgres: Pool;
  readonly mongo: MongoClient;
  /** Gives up after ten seconds where the stage is `hops`; a statement of the others may run for long. */
  readonly clickhouse: ClickHouseClient;
  readonly temporal: Client;
}

/** One attempt at a check. */
export interface CheckContext {
  readonly options: VerifyInput;
  /** Of the workflow: what an attempt leaves behind can be told by it, and found by the next. */
  readonly runId: string;
  readonly probes: readonly QueueProbe[];
  /** Aborted when the verification is cancelled. */
  readonly signal: AbortSignal;
  /** What the check is at, as one line, for who looks on. The activity heartbeats by itself. */
  readonly progress: (step: string) => void;
}

/**
 * One hop's check. It answers what it has found; what it throws is an error of the check itself, so the result is then
 * inconclusive, except that a hop's own service which does not answer has failed. A check may be made several times, also
 * after its worker died in the middle of it.
 */
export interface Check {
  readonly name: string;
  /** A system by the name that its errors begin with (`kafka`: `KAFKA_UNREACHABLE`), or the way through several; the finding may name the broken one. */
  readonly hop: string;
  readonly stage: Stage;
  /** How long one attempt may take, ms; default half a minute. */
  readonly timeoutMs?: (options: VerifyInput) => number;
  /** Whether the deployment has what it is about; default: it has. */
  readonly applies?: (config: Config) => boolean;
  /** True: the workflow asks the workers of every task queue first (`context.probes`). */
  readonly probes?: boolean;
  run(deps: CheckDeps, context: CheckContext): Promise<Finding>;
}

type Evidence = { readonly [key: string]: Json };

export const passed = (summary: string, evidence: Evidence = {}): Finding => ({
  verdict: 'Passed',
  summary,
  evidence,
});

export const failed = (summary: string, evidence: Evidence, next: string): Finding => ({
  verdict: 'Failed',
  summary,
  evidence,
  next,
});

export const inconclusive = (summary: string, evidence: Evidence, next: string): Finding => ({
  verdict: 'Inconclusive',
  summary,
  evidence,
  next,
});
