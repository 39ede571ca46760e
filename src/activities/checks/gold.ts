import { serviceFault } from '../../clients/fault.js';
import { codeVersion } from '../../code-version.js';
import { addDays, dayOf, daysBetween } from '../../core/day.js';
import type { GoldDayState } from '../../core/gold-days.js';
import type { Finding } from '../../core/verification.js';
import { readGoldDays } from '../gold-days.js';
import { ask } from '../../clients/ask-clickhouse.js';
import { failed, passed, type Check, type CheckDeps } from './check.js';

/** As many as the schedule looks at. */
const DAYS = 7;
/** Longer than any attempt may take: whose staging table is older is dead. */
const LEFTOVER_HOURS = 3;

/** No recent day of gold has failed. Missing and stale days are told: to compute them is the schedule's work. */
export const gold: Check = {
  name: 'gold',
  hop: 'clickhouse -> gold',
  stage: 'hops',
  run: async (deps) => {
    try {
      const today = dayOf(Date.now());
      const [days, leftovers] = await Promise.all([
        readGoldDays(
          { ...deps, database: deps.config.clickhouse.database },
          { days: daysBetween(addDays(today, -DAYS), today), codeVersion: codeVersion() },
        ),
        leftoverTables(deps),
      ]);
      return judgeGold(days, leftovers);
    } catch (cause) {
      throw serviceFault('clickhouse', 'reading the days of gold', cause);
    }
  },
};

export function judgeGold(days: readonly GoldDayState[], leftovers: readonly string[]): Finding {
  const failures = days.filter(({ state }) => state === 'failed');
  const count = (state: GoldDayState['state']): number => days.filter((day) => day.state === state).length;
  const evidence = {
    days: Object.fromEntries(days.map(({ day, state }) => [day, state])),
    failed: failures.map(({ day, errorCode }) => ({ day, errorCode })),
    // Harmless: the next run of their day drops them.
    leftoverStaging: leftovers,
  };
  if (failures.length > 0) {
    const which = failures.map(({ day, errorCode }) => `${day} (${errorCode})`).join(', ');
    return failed(`gold of ${which} has failed`, evidence, `tidemark gold run ${failures.at(-1)?.day}`);
  }
  return passed(
    `of the last ${days.length} days ${count('complete')} are complete, ${count('stale')} stale, ${count('missing')} missing`,
    evidence,
  );
}

async function leftoverTables(deps: CheckDeps): Promise<string[]> {
  const rows = await ask<{ name: string }>(
    deps,
    `SELECT name FROM system.tables
     WHERE database = {database:String} AND startsWith(name, 'gold_staging_')
       AND metadata_modification_time < now() - INTERVAL ${LEFTOVER_HOURS} HOUR
     ORDER BY name`,
    { database: deps.config.clickhouse.database },
  );
  return rows.map(({ name }) => name);
}
