import { createHash } from 'node:crypto';
import { serviceFault } from '../../clients/fault.js';
import type { Difference } from '../../core/difference.js';
import type { Finding, Json } from '../../core/verification.js';
import type { VerifyInput } from '../../messages.js';
import type { CheckDeps } from '../checks/check.js';
import { failed, passed } from '../checks/check.js';
import type { ContentTable, Progress } from './content-table.js';
import { describeKinds, evidenceOf } from './finding.js';
import { confirm, type Reconciliation } from './reconcile.js';

/** Where bronze says that repairs come from: no Kafka topic. */
export const REPAIR_TOPIC = 'tidemark.repair';
/** Of rows that came from no message; gold then goes by the time when they were written. */
export const REPAIR_PARTITION = -1;

/** Rows that a repair may change when nothing is said: more look like another fault than wrong rows. */
const DEFAULT_LIMIT_ROWS = 1_000;
/** Keys of a plan that the evidence names. */
const KEYS_SHOWN = 100;

/** A row's 64 bits in bronze, derived, as it has no offset: the same repair inserted again replaces itself. */
export const repairOffset = (version: string, key: string): string =>
  createHash('md5').update(`${version} ${key}`).digest().readBigUInt64BE(0).toString();

/** Removes rows that outrank their source. `keys` and `values` are columns and their literals, without the version. */
export async function removeForged(
  { clickhouse, config }: Pick<CheckDeps, 'clickhouse' | 'config'>,
  table: string,
  columns: readonly string[],
  rows: readonly { readonly literals: readonly string[]; readonly version: string }[],
): Promise<void> {
  if (rows.length === 0) return;
  const { database, cluster } = config.clickhouse;
  const onCluster = cluster === undefined ? '' : `ON CLUSTER '${cluster}'`;
  const tuples = rows.map(
    ({ literals, version }) => `(${[...literals, `toUInt128('${version}')`].join(',')})`,
  );
  try {
    await clickhouse.command({
      query: `ALTER TABLE ${database}.${table} ${onCluster} DELETE WHERE (${[...columns, 'version'].join(', ')}) IN (${tuples.join(',')})
              SETTINGS mutations_sync = 2`,
    });
  } catch (cause) {
    throw serviceFault('clickhouse', `removing rows of ${table} that outrank their source`, cause);
  }
}

/**
 * What to make of differences: as they are (`none`), with what a repair would do (`plan`), or after it was done (`apply`).
 * A repair passes when afterwards none of its keys is wrong.
 */
export async function afterRepair(
  table: ContentTable,
  found: Reconciliation,
  { repair = 'none', repairLimitRows = DEFAULT_LIMIT_ROWS }: VerifyInput,
  hold: Progress,
): Promise<Finding> {
  const name = `silver_${table.table}`;
  const differences = describeKinds(found.wrong, found.cutShort);
  const summary = `${name} differs from its source: ${differences} of ${found.rows} rows`;
  const evidence = evidenceOf(table.table, found);
  const next = 'tidemark verify --repair=plan shows what would make it right, --repair=apply does it';
  if (repair === 'none') return failed(summary, evidence, next);
  const plan = planOf(found.wrong);
  if (repair === 'plan') {
    return failed(
      summary,
      { ...evidence, repair: { applied: false, ...plan } },
      'tidemark verify --repair=apply',
    );
  }
  if (found.wrong.length > repairLimitRows || found.cutShort) {
    return failed(
      `${summary}; not repaired: more than ${repairLimitRows} rows`,
      { ...evidence, repair: { applied: false, limitRows: repairLimitRows, ...plan } },
      'look for the cause first: so many rows look like a hop that loses or a source that was restored; then --repair-limit',
    );
  }
  hold.progress(`repairing ${found.wrong.length} keys`);
  const done = await table.repair(found.wrong.map(({ key }) => key));
  hold.progress('looking at the repaired keys');
  const left = await confirm(
    table,
    found.wrong.map(({ key }) => key),
    hold,
  );
  const repaired = {
    ...evidence,
    repair: { applied: true, ...plan, ...done, stillWrong: left.wrong.length },
  };
  if (left.wrong.length > 0) {
    const still = describeKinds(left.wrong);
    return failed(`${name}: repaired ${differences}, of which are still wrong: ${still}`, repaired, next);
  }
  return passed(`${name} had differed, and was repaired: ${differences} of ${found.rows} rows`, {
    ...repaired,
    verifiedThrough: found.position,
  });
}

function planOf(wrong: readonly Difference[]): Record<string, Json> {
  const steps = wrong.map(({ key, kind }) => ({ key, action: kind === 'extra' ? 'delete' : 'write' }));
  const deletes = steps.filter(({ action }) => action === 'delete').length;
  return { writes: steps.length - deletes, deletes, steps: steps.slice(0, KEYS_SHOWN) };
}
