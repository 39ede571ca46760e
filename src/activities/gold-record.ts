import type { ClickHouseClient } from '@clickhouse/client';
import { ask } from '../clients/ask-clickhouse.js';
import { NOW_MS } from '../core/gold-sql.js';
import type { GoldRun } from '../messages.js';

/** Reading and writing ops_gold_runs, for activities and the client alike. */

export interface GoldStore {
  readonly clickhouse: Pick<ClickHouseClient, 'query' | 'insert'>;
  readonly database: string;
}

/** The server's clock dates every run: workers need not agree on the time. */
export async function serverNowMs(store: Pick<GoldStore, 'clickhouse'>): Promise<number> {
  const [row] = await ask<{ nowMs: number }>(store, `SELECT ${NOW_MS} AS nowMs`);
  return row?.nowMs ?? Number.NaN;
}

/** Adds a stage of an attempt; the table keeps the latest of (day, run, attempt). */
export async function insertRun({ clickhouse, database }: GoldStore, run: GoldRun): Promise<void> {
  await clickhouse.insert({
    table: `${database}.ops_gold_runs`,
    format: 'JSONEachRow',
    values: [
      {
        day: run.day,
        run_id: run.runId,
        attempt: run.attempt,
        status: run.status,
        requested_by: run.requestedBy,
        code_version: run.codeVersion,
        forced: Number(run.forced),
        is_final: Number(run.isFinal),
        rows_read: run.rowsRead,
        rows_written: run.rowsWritten,
        events: run.events,
        unknown_users: run.unknownUsers,
        unknown_events: run.unknownEvents,
        positions: run.positions,
        started_at: dateTime64(run.startedAtMs),
        finished_at: run.finishedAtMs === null ? null : dateTime64(run.finishedAtMs),
        duration_ms: Math.round(run.durationMs),
        error_code: run.errorCode,
      },
    ],
  });
}

/** ClickHouse's text of a DateTime64(3, 'UTC'). */
const dateTime64 = (epochMs: number): string =>
  new Date(epochMs).toISOString().replace('T', ' ').replace('Z', '');
