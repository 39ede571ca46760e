import { passed, type Check, type CheckDeps } from '../checks/check.js';
import type { ContentLimits, ContentTable, Progress } from './content-table.js';
import { evidenceOf, recordVerified } from './finding.js';
import { afterRepair } from './repair.js';
import { reconcile } from './reconcile.js';

/** A table of hundreds of millions of rows is read once on both sides. */
const TIMEOUT_MS = 60 * 60_000;

const LIMITS: ContentLimits = { patienceMs: 5 * 60_000, maxSuspects: 300_000 };

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
    const finding =
      found.wrong.length === 0
        ? passed(
            `silver_${table.table} has the content of its source, ${found.rows} rows`,
            evidenceOf(table.table, found),
          )
        : await afterRepair(table, found, options, hold);
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
