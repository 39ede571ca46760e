import type { ClickHouseClient } from '@clickhouse/client';
import { serviceFault } from '../../clients/fault.js';
import { countKinds, type Difference, type DifferenceKind } from '../../core/difference.js';
import type { Json } from '../../core/verification.js';
import type { Reconciliation } from './reconcile.js';

/** Differing keys that the evidence names, of each kind. */
const KEYS_SHOWN = 20;

const KINDS: readonly DifferenceKind[] = ['missing', 'extra', 'different'];

export type Evidence = Record<string, Json>;

export function evidenceOf(table: string, found: Reconciliation): Evidence {
  const { wrong, position, ...counts } = found;
  return {
    table,
    ...counts,
    verifiedThrough: wrong.length === 0 ? position : null,
    ...countKinds(wrong),
    keys: Object.fromEntries(KINDS.map((kind) => [kind, shown(wrong, kind)])),
  };
}

const shown = (wrong: readonly Difference[], wanted: DifferenceKind): string[] =>
  wrong
    .filter(({ kind }) => kind === wanted)
    .slice(0, KEYS_SHOWN)
    .map(({ key }) => key);

/** "2 missing, 1 extra". */
export function describeKinds(wrong: readonly Difference[], cutShort = false): string {
  const counts = countKinds(wrong);
  const parts = KINDS.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`);
  return `${cutShort ? 'at least ' : ''}${parts.join(', ')}`;
}

export interface Verified {
  readonly table: string;
  /** Of the source position through which the table is verified. */
  readonly version: string;
  readonly rows: number;
  readonly runId: string;
}

/** Moves a table's watermark. */
export async function recordVerified(
  clickhouse: Pick<ClickHouseClient, 'insert'>,
  database: string,
  { table, version, rows, runId }: Verified,
): Promise<void> {
  try {
    await clickhouse.insert({
      table: `${database}.ops_verified_through`,
      values: [{ table_name: `silver_${table}`, version, rows, run_id: runId }],
      format: 'JSONEachRow',
    });
  } catch (cause) {
    throw serviceFault('clickhouse', `recording how far ${table} are verified`, cause);
  }
}
