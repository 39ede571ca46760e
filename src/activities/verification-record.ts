import type { ClickHouseClient } from '@clickhouse/client';
import type { CheckResult, Json, VerificationResult } from '../messages.js';
import { ask } from '../clients/ask-clickhouse.js';

/** Reading and writing ops_verifications, for activities and the client alike. */

export interface VerificationStore {
  readonly clickhouse: Pick<ClickHouseClient, 'query' | 'insert'>;
  readonly database: string;
}

/** A row per check. Writing the same result again changes nothing. */
export async function insertVerification(
  { clickhouse, database }: VerificationStore,
  result: VerificationResult,
): Promise<void> {
  await clickhouse.insert({
    table: `${database}.ops_verifications`,
    format: 'JSONEachRow',
    values: result.checks.map((check, position) => ({
      started_at: dateTime64(result.startedAtMs),
      run_id: result.runId,
      position,
      check_name: check.check,
      hop: check.hop,
      verdict: check.verdict,
      summary: check.summary,
      evidence: JSON.stringify(check.evidence),
      next_step: check.next ?? '',
      attempts: check.attempts,
      duration_ms: Math.round(check.durationMs),
      deployment_verdict: result.verdict,
      deployment_summary: result.summary,
      finished_at: dateTime64(result.finishedAtMs),
      workflow_id: result.workflowId,
      requested_by: result.requestedBy,
      code_version: result.codeVersion,
      failure_limit: result.failureLimit,
      error_limit: result.errorLimit,
    })),
  });
}

type Row = Omit<VerificationResult, 'checks' | 'recorded'> &
  Omit<CheckResult, 'evidence' | 'next' | 'verdict' | 'summary'> & {
    readonly checkVerdict: CheckResult['verdict'];
    readonly checkSummary: string;
    readonly evidence: string;
    readonly next: string;
  };

/** The last verifications, the newest first. */
export async function readVerifications(
  store: Pick<VerificationStore, 'clickhouse' | 'database'>,
  limit: number,
): Promise<VerificationResult[]> {
  const table = `${store.database}.ops_verifications`;
  const rows = await ask<Row>(
    store,
    `SELECT run_id AS runId, workflow_id AS workflowId, deployment_verdict AS verdict, deployment_summary AS summary,
            requested_by AS requestedBy, code_version AS codeVersion,
            toFloat64(toUnixTimestamp64Milli(started_at)) AS startedAtMs,
            toFloat64(toUnixTimestamp64Milli(finished_at)) AS finishedAtMs,
            toFloat64(failure_limit) AS failureLimit, toFloat64(error_limit) AS errorLimit,
            check_name AS check, hop, rows.verdict AS checkVerdict, rows.summary AS checkSummary, evidence,
            next_step AS next, toFloat64(attempts) AS attempts, toFloat64(duration_ms) AS durationMs
     FROM ${table} AS rows FINAL
     WHERE (started_at, run_id) IN (
       SELECT DISTINCT started_at, run_id FROM ${table} ORDER BY started_at DESC, run_id LIMIT {limit:UInt32}
     )
     ORDER BY started_at DESC, run_id, position`,
    { limit },
  );
  const byRun = new Map<string, Row[]>();
  for (const row of rows) byRun.set(row.runId, [...(byRun.get(row.runId) ?? []), row]);
  return [...byRun.values()].map(resultOf);
}

function resultOf(rows: readonly Row[]): VerificationResult {
  const { verdict, summary, workflowId, runId, requestedBy, codeVersion, ...rest } = rows[0]!;
  const { startedAtMs, finishedAtMs, failureLimit, errorLimit } = rest;
  return {
    verdict,
    summary,
    checks: rows.map(checkOf),
    workflowId,
    runId,
    requestedBy,
    codeVersion,
    startedAtMs,
    finishedAtMs,
    failureLimit,
    errorLimit,
    recorded: true,
  };
}

const checkOf = (row: Row): CheckResult => ({
  check: row.check,
  hop: row.hop,
  verdict: row.checkVerdict,
  summary: row.checkSummary,
  evidence: JSON.parse(row.evidence) as { readonly [key: string]: Json },
  ...(row.next !== '' && { next: row.next }),
  attempts: row.attempts,
  durationMs: row.durationMs,
});

/** ClickHouse's text of a DateTime64(3, 'UTC'). */
const dateTime64 = (epochMs: number): string =>
  new Date(epochMs).toISOString().replace('T', ' ').replace('Z', '');
