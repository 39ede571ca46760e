import { setTimeout as pause } from 'node:timers/promises';
import {
  brokenHop,
  CANARY_CHANGES,
  expectedGold,
  OPERATION_OF,
  sameGold,
  type BrokenHop,
  type CanaryChange,
  type CanaryHop,
  type CanaryTable,
} from '../../core/canary.js';
import { PATHS, type CanaryLook, type CanaryPath } from './look.js';
import { changeEvent, changeUser, type SourceDeps } from './sources.js';
import { TopicWatch, type Sighting } from './topic-watch.js';
import { whyNotInTopic, type WhyDeps } from './why.js';

const ASK_EVERY_MS = 50;

/** From the commit at the source, ms. */
export type Latencies = Record<string, number>;

export interface Flight {
  /** `users.insert.topic` and the like; what was not seen is not there. */
  readonly latencyMs: Latencies;
  /** The first hop that a change did not pass in time, of each table. */
  readonly broken: readonly (BrokenHop & {
    readonly table: CanaryTable;
    readonly change: CanaryChange;
    readonly hop: CanaryHop;
    /** Why, where that can be told. */
    readonly reason: string | null;
  })[];
}

export interface FlightDeps extends SourceDeps, WhyDeps {
  readonly look: CanaryLook;
}

export interface FlightPlan {
  /** What the canary says of itself; another one every time. */
  readonly token: string;
  /** Patience at one hop, ms. */
  readonly hopMs: number;
  readonly signal: AbortSignal;
  readonly progress: (step: string) => void;
}

interface Companion {
  readonly path: CanaryPath;
  readonly watch: TopicWatch;
  last: Sighting | undefined;
}

/** Sends the canary from both sources at once, one change after the other, and sees it arrive. Ends at the first that does not. */
export async function flyCanary(deps: FlightDeps, plan: FlightPlan): Promise<Flight> {
  const companions = await Promise.all(
    PATHS.map(async (path): Promise<Companion> => ({
      path,
      watch: await TopicWatch.open(deps.kafka, path.topic, path.marker),
      last: undefined,
    })),
  );
  const flight = { latencyMs: {} as Latencies, broken: [] as Flight['broken'][number][] };
  try {
    for (const change of CANARY_CHANGES) {
      const committed = await Promise.all(
        companions.map((companion) => followChange(deps, plan, companion, change, flight)),
      );
      if (flight.broken.length > 0) break;
      await followToGold(deps, plan, change, Math.max(...committed), flight);
      if (flight.broken.length > 0) break;
    }
    return flight;
  } finally {
    await Promise.all(companions.map(({ watch }) => watch.close()));
  }
}

type OpenFlight = { readonly latencyMs: Latencies; readonly broken: Flight['broken'][number][] };

const tokenOf = ({ token }: FlightPlan, change: CanaryChange): string => `${token} ${change}`;

/** @returns when the change was committed, of `performance.now()`. */
async function followChange(
  deps: FlightDeps,
  plan: FlightPlan,
  companion: Companion,
  change: CanaryChange,
  flight: OpenFlight,
): Promise<number> {
  const { path, watch } = companion;
  const { signal, hopMs } = plan;
  const token = tokenOf(plan, change);
  plan.progress(`canary: ${change} at ${path.source}`);
  await (path.table === 'users' ? changeUser(deps, change, token) : changeEvent(deps, change, token));
  const committedMs = performance.now();
  const seen = (hop: CanaryHop, atMs: number): void => {
    flight.latencyMs[`${path.table}.${change}.${hop}`] = Math.round(atMs - committedMs);
  };
  const lost = (hop: CanaryHop, reason: string | null): number => {
    flight.broken.push({ table: path.table, change, hop, reason, ...brokenHop(hop, path) });
    return committedMs;
  };
  const { last } = companion;
  const sighting = await watch.find(
    ({ op, value, partition, offset }) =>
      op === OPERATION_OF[change] &&
      (change === 'delete' ? partition === last?.partition && offset > last.offset : value.includes(token)),
    committedMs + hopMs,
    signal,
  );
  if (sighting === undefined) return lost('topic', await whyNotInTopic(deps, path, signal));
  companion.last = sighting;
  seen('topic', sighting.seenMs);
  if (!(await until(plan, () => deps.look.inBronze(path, sighting)))) {
    return lost('bronze', (await deps.look.refusedBecause(path, sighting)) ?? null);
  }
  seen('bronze', performance.now());
  if (!(await until(plan, () => deps.look.inSilver(path, change, sighting)))) return lost('silver', null);
  seen('silver', performance.now());
  return committedMs;
}

async function followToGold(
  { look }: FlightDeps,
  plan: FlightPlan,
  change: CanaryChange,
  committedMs: number,
  { latencyMs, broken }: OpenFlight,
): Promise<void> {
  const expected = expectedGold(change, tokenOf(plan, change));
  const arrived = await until(plan, async () => sameGold(await look.gold(), expected));
  if (arrived) latencyMs[`gold.${change}`] = Math.round(performance.now() - committedMs);
  else {
    const [users] = PATHS as [CanaryPath];
    broken.push({ table: 'users', change, hop: 'gold', reason: null, ...brokenHop('gold', users) });
  }
}

async function until({ hopMs, signal }: FlightPlan, ask: () => Promise<boolean>): Promise<boolean> {
  const untilMs = performance.now() + hopMs;
  for (;;) {
    if (await ask()) return true;
    if (performance.now() >= untilMs) return false;
    await pause(ASK_EVERY_MS, undefined, { signal });
  }
}
