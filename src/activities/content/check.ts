import type { Finding } from '../../core/verification.js';
import type { VerifyInput } from '../../messages.js';
import { inconclusive, passed, type Check, type CheckDeps } from '../checks/check.js';
import type { ContentLimits, ContentTable, Progress } from './content-table.js';
import { evidenceOf, recordVerified } from './finding.js';
import { afterRepair } from './repair.js';
import { reconcile, type Reconciliation } from './reconcile.js';

/** A table of hundreds of millions of rows is read once on both sides. */
const TIMEOUT_MS = 60 * 60_000;

const LIMITS: ContentLimits = { patienceMs: 2 * 60_000, maxSuspects: 300_000 };

export interface ContentCheck {
  readonly name: string;
  readonly hop: string;
  readonly open: (deps: CheckDeps, progress: Progress, limits: ContentLimits, owner: string) => ContentTable;
}

/** A check that a table of silver has the content of its source. */
export const contentCheck = ({ name, hop, open }: ContentCheck): Check => ({
  name,
  hop,
  stage: 'content',
  timeoutMs: () => TIMEOUT_MS,
  async run(deps, { options, runId, signal, progress }) {
    const hold = { signal, progress };
    const table = open(deps, hold, LIMITS, runId);
    const found = await reconcile(table, hold);
    const finding = await findingOf(table, found, options, hold);
    if (finding.verdict === 'Passed') {
      await recordVerified(deps.clickhouse, deps.config.clickhouse.database, {
        table: table.table,
        version: found.position,
        rows: found.rows,
        runId,
      });
    }
    return finding;
  },
});

async function findingOf(
  table: ContentTable,
  found: Reconciliation,
  options: VerifyInput,
  hold: Progress,
): Promise<Finding> {
  if (found.wrong.length > 0) return afterRepair(table, found, options, hold);
  const evidence = evidenceOf(table.table, found);
  const name = `silver_${table.table}`;
  if (!found.cutShort) return passed(`${name} has the content of its source, ${found.rows} rows`, evidence);
  return inconclusive(
    `${name} changed in more rows than are looked at while it was compared; none of ${found.suspects} is wrong`,
    evidence,
    'verify again when fewer rows change at the source',
  );
}
