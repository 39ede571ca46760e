import {
  dayState,
  type DayEvidence,
  type GoldDayState,
  type LastAttempt,
  type StandingRun,
} from '../core/gold-days.js';
import {
  lastAttempts,
  rowsOfDays,
  silverReach,
  standingRuns,
  usersBecomeKnown,
  usersChanged,
} from '../core/gold-days-sql.js';
import type { Day } from '../core/day.js';
import { EVENTS_TOPIC } from '../core/names.js';
import { ask, type GoldStore } from './gold-record.js';

export interface ReadDays {
  readonly days: readonly Day[];
  /** Of who asks: a day computed by another is reported. */
  readonly codeVersion: string;
  /** Whether to compare gold's users with what they are now, which reads gold. */
  readonly users?: boolean;
}

interface Attempt {
  readonly runId: string;
  readonly attempt: number;
}
interface OfDay {
  readonly day: Day;
}

/** The state of each day, in the order given (contiguous, ascending), by the recorded positions and no clock. */
export async function readGoldDays(
  store: Pick<GoldStore, 'clickhouse' | 'database'>,
  { days, codeVersion, users = false }: ReadDays,
): Promise<GoldDayState[]> {
  const [from, to] = [days[0], days.at(-1)];
  if (from === undefined) return [];
  const { database } = store;
  const read = <Row>(query: string): Promise<(Row & OfDay)[]> => ask<Row & OfDay>(store, query, { from, to });
  const [runs, lasts, rows, reaches, known, changed] = await Promise.all([
    read<StandingRun & Attempt>(standingRuns(database, EVENTS_TOPIC)),
    read<LastAttempt>(lastAttempts(database)),
    read<{ rows: string }>(rowsOfDays(database)),
    read<DayEvidence['reach'][number]>(silverReach(database)),
    read<Attempt & { users: number }>(usersBecomeKnown(database)),
    users ? read<{ users: number }>(usersChanged(database)) : [],
  ]);
  const runOf = byDay(runs);
  const lastOf = byDay(lasts);
  const rowsOf = byDay(rows);
  const changedOf = byDay(changed);
  const reachOf = groupByDay(reaches);
  const knownOf = groupByDay(known);
  return days.map((day) => {
    const run = runOf.get(day) ?? null;
    const since = knownOf
      .get(day)
      ?.find(({ runId, attempt }) => runId === run?.runId && attempt === run.attempt);
    const evidence: DayEvidence = {
      run,
      rowsPresent: rowsOf.get(day)?.rows ?? '0',
      reach: reachOf.get(day) ?? [],
      usersBecomeKnown: since?.users ?? 0,
      usersChanged: changedOf.get(day)?.users ?? 0,
    };
    return dayState(day, evidence, lastOf.get(day) ?? null, codeVersion);
  });
}

const byDay = <Row extends OfDay>(rows: readonly Row[]): Map<Day, Row> =>
  new Map(rows.map((row) => [row.day, row]));

function groupByDay<Row extends OfDay>(rows: readonly Row[]): Map<Day, Row[]> {
  const groups = new Map<Day, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.day);
    if (group === undefined) groups.set(row.day, [row]);
    else group.push(row);
  }
  return groups;
}
