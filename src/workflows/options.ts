import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ClickHouseActivities } from '../activities/clickhouse.js';
import type { GoldDayActivities } from '../activities/gold-day.js';
import type { ConnectActivities } from '../activities/connect.js';
import type { KafkaActivities } from '../activities/kafka.js';
import type { MongoActivities } from '../activities/mongo.js';
import type { PostgresActivities } from '../activities/postgres.js';

/** Timeouts and retries, declared once per class of work. */

type Questions = PostgresActivities & MongoActivities & Pick<KafkaActivities, 'freezeEnds' | 'readCommitted'>;

/** Small questions about a position: milliseconds when the service is there. Tried until `patienceMs` are over. */
export const askPositions = (patienceMs: number): Questions =>
  proxyActivities<Questions>({
    startToCloseTimeout: '30s',
    scheduleToCloseTimeout: patienceMs,
    retry: { initialInterval: '500ms', maximumInterval: '5s' },
  });

/** How long one lap of a wait lasts, ms: the workflow decides anew between laps whether to go on. */
export const LAP_MS = 15_000;

type Waits = ConnectActivities &
  Pick<KafkaActivities, 'awaitConsumed'> &
  Pick<ClickHouseActivities, 'awaitMark'>;

/** Laps of a wait. They heartbeat with every question, a few a second. */
export const waitInLaps = (patienceMs: number): Waits =>
  proxyActivities<Waits>({
    startToCloseTimeout: LAP_MS + 30_000,
    heartbeatTimeout: '10s',
    scheduleToCloseTimeout: patienceMs + LAP_MS + 30_000,
    retry: { initialInterval: '500ms', maximumInterval: '5s' },
  });

/** Best effort: what failed has failed, whether or not it can be written down. */
export const failures = proxyActivities<Pick<ClickHouseActivities, 'recordGoldFailure'>>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', maximumAttempts: 5 },
});

/**
 * Computing a day. An attempt heartbeats every second; 10 s without one mean that its worker is gone (or so starved that
 * another should go on: overtaking is safe). ClickHouse may be down for long and come back: retried for two hours.
 * A cancelled day ends when its attempt has: nothing goes on computing behind a run that is recorded as cancelled.
 */
export const gold = proxyActivities<Pick<ClickHouseActivities, 'computeGold'>>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: '10s',
  scheduleToCloseTimeout: '2h',
  retry: { initialInterval: '500ms', maximumInterval: '15s' },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** Planning a backfill: a row or a few per day; changed users are looked for in all of gold. */
export const plans = proxyActivities<Pick<ClickHouseActivities, 'planGoldBackfill'>>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '1h',
  retry: { initialInterval: '500ms', maximumInterval: '10s' },
});

/**
 * A day of a backfill, started or attached to. It heartbeats every second while the day's own workflow works; tried again,
 * it attaches again, or finds the day fresh; only a day that is forced is computed once more. The day's workflow has its own
 * patience, of each of its passes; this outlives one.
 */
export const goldDays = proxyActivities<GoldDayActivities>({
  startToCloseTimeout: '4h',
  heartbeatTimeout: '10s',
  scheduleToCloseTimeout: '4h',
  retry: { initialInterval: '500ms', maximumInterval: '15s' },
});
