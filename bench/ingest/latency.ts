import { setTimeout as pause } from 'node:timers/promises';
import { CANARY_EVENT_PREFIX, CANARY_USER_ID } from '../../src/core/ids.js';
import { waitUntil } from '../../src/wait-until.js';
import type { Pipeline } from '../../test/support/pipeline.js';
import { select } from '../../test/support/silver.js';
import type { EventDocument } from '../../test/support/source-writer.js';
import { percentile } from '../benchmark.js';

const PROBES = 150;
const PROBE_EVERY_MS = 100;
/** How finely a moment of arrival is known. */
const LOOK_EVERY_MS = 10;
const ARRIVAL_LIMIT_MS = 60_000;
/** A day of its own, so that looking is cheap. */
const PROBE_DAY = '2026-10-01';

export interface Latency {
  readonly probes: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * From the acknowledged commit at the source to the row readable in silver, milliseconds, both on this process's clock:
 * the canary user is updated and a reserved event touched again and again, each time with the next number.
 */
export async function probeLatency(pipeline: Pipeline): Promise<{ users: Latency; events: Latency }> {
  const { postgres, db, clickhouse } = pipeline;
  const eventId = `${CANARY_EVENT_PREFIX}probe`;
  await postgres.query(
    "INSERT INTO users (user_id, full_name, email) VALUES ($1, '-1', '') ON CONFLICT (user_id) DO UPDATE SET full_name = '-1'",
    [CANARY_USER_ID],
  );
  const newest = (query: string) => async (): Promise<number> => {
    const [row] = await select<{ probe: string }>(clickhouse, query);
    return Number(row?.probe ?? -1);
  };
  const users = probe(
    async (n) =>
      void (await postgres.query('UPDATE users SET full_name = $2 WHERE user_id = $1', [
        CANARY_USER_ID,
        String(n),
      ])),
    newest(`SELECT full_name AS probe FROM silver_users FINAL WHERE user_id = ${CANARY_USER_ID}`),
  );
  const events = probe(
    async (n) =>
      void (await db
        .collection<EventDocument>('events')
        .updateOne(
          { _id: eventId },
          { $set: { ts: new Date(`${PROBE_DAY}T12:00:00Z`), event_type: String(n), payload: {} } },
          { upsert: true },
        )),
    newest(
      `SELECT event_type AS probe FROM silver_events FINAL WHERE day = '${PROBE_DAY}' AND event_id = '"${eventId}"'`,
    ),
  );
  return { users: await users, events: await events };
}

async function probe(write: (n: number) => Promise<void>, newest: () => Promise<number>): Promise<Latency> {
  const committedMs: number[] = [];
  const seenMs: number[] = [];
  // What an earlier measurement left is not ours to see.
  await write(-1);
  await waitUntil('the first probe', async () => (await newest()) === -1, { timeoutMs: ARRIVAL_LIMIT_MS });
  const looking = look(newest, seenMs, () => committedMs.length);
  for (let n = 0; n < PROBES; n++) {
    await write(n);
    committedMs[n] = performance.now();
    await pause(PROBE_EVERY_MS);
  }
  await looking;
  // Seen before its acknowledgement came back: no time at all.
  const latencies = seenMs.map((ms, n) => Math.max(0, ms - (committedMs[n] ?? ms))).sort((a, b) => a - b);
  const at = (p: number): number => Math.round(percentile(latencies, p));
  return { probes: latencies.length, p50: at(50), p90: at(90), p99: at(99), max: at(100) };
}

/** Notes when each number is first seen; a later one tells that those before it are there, too. */
async function look(newest: () => Promise<number>, seenMs: number[], written: () => number): Promise<void> {
  const endMs = performance.now() + PROBES * PROBE_EVERY_MS + ARRIVAL_LIMIT_MS;
  while (seenMs.length < PROBES) {
    if (performance.now() > endMs)
      throw new Error(`only ${seenMs.length} of ${written()} probes arrived in silver`);
    const found = await newest();
    while (seenMs.length <= found) seenMs.push(performance.now());
    await pause(LOOK_EVERY_MS);
  }
}
