import { ask } from '../clients/ask-clickhouse.js';
import {
  dayState,
  staleReasons,
  type DayEvidence,
  type GoldDayState,
  type LastAttempt,
  type StaleReason,
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
import type { GoldRun } from '../messages.js';
import type { GoldStore } from './gold-record.js';

type Store = Pick<GoldStore, 'clickhouse' | 'database'>;

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
  store: Store,
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
    const evidence: DayEvidence = {
      run,
      rowsPresent: rowsOf.get(day)?.rows ?? '0',
      reach: reachOf.get(day) ?? [],
      usersBecomeKnown: usersOf(run, knownOf.get(day) ?? []),
      usersChanged: changedOf.get(day)?.users ?? 0,
    };
    return dayState(day, evidence, lastOf.get(day) ?? null, codeVersion);
  });
}

/** Why the recorded run of a day does not stand any more; empty: it does. Asks less than the whole state of a day takes. */
export async function staleSince(store: Store, run: GoldRun): Promise<StaleReason[]> {
  const { database } = store;
  const params = { from: run.day, to: run.day };
  const [[gold], reach, known] = await Promise.all([
    ask<{ rows: string }>(store, rowsOfDays(database), params),
    ask<DayEvidence['reach'][number]>(store, silverReach(database), params),
    ask<Attempt & { users: number }>(store, usersBecomeKnown(database), params),
  ]);
  return staleReasons({
    run: { ...run, eventsRead: run.positions[EVENTS_TOPIC] ?? {} },
    rowsPresent: gold?.rows ?? '0',
    reach,
    usersBecomeKnown: usersOf(run, known),
    usersChanged: 0,
  });
}

const usersOf = (run: Attempt | null, known: readonly (Attempt & { readonly users: number })[]): number =>
  known.find(({ runId, attempt }) => runId === run?.runId && attempt === run.attempt)?.users ?? 0;

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
