import { PipelineError } from '../../core/errors.js';
import { barrierEventId } from '../../core/ids.js';
import { EVENTS_TOPIC, USERS_TOPIC } from '../../core/names.js';
import type { Lap } from '../../messages.js';
import type { CheckDeps } from '../checks/check.js';
import { createClickHouseActivities } from '../clickhouse.js';
import { createConnectActivities } from '../connect.js';
import { createKafkaActivities } from '../kafka.js';
import { createMongoActivities } from '../mongo.js';
import { createPostgresActivities } from '../postgres.js';
import { clusterTime, eventsVersion, usersVersion } from './versions.js';

/** A moment of a source. */
export interface SourcePosition {
  /** The version that silver gives a change at this position; a decimal string. */
  readonly version: string;
  /** Waits until silver holds what was committed before. @throws PipelineError `SILVER_BEHIND`. */
  passed(): Promise<void>;
}

type Deps = Omit<CheckDeps, 'temporal'>;

export interface Waiting {
  /** How long silver may take, ms. */
  readonly patienceMs: number;
  readonly progress: (step: string) => void;
}

/** Silver's patience with one question, ms: heartbeats and cancellation come in between. */
const LAP_MS = 5_000;

export async function usersPosition(deps: Deps, waiting: Waiting): Promise<SourcePosition> {
  const lsn = await createPostgresActivities(deps).readPostgresPosition();
  const { awaitUsersProduced } = createConnectActivities(deps);
  return {
    version: await usersVersion(deps.postgres, BigInt(lsn)),
    passed: async () => {
      await inLaps(waiting, (waitMs) => awaitUsersProduced({ lsn, waitMs }));
      await consumed(deps, waiting, USERS_TOPIC);
    },
  };
}

/** `owner` names the mark: one for each that may be under way. */
export async function eventsPosition(deps: Deps, waiting: Waiting, owner: string): Promise<SourcePosition> {
  const mark = { id: barrierEventId(owner) };
  const time = await clusterTime(deps.mongo, deps.config.mongo.database);
  return {
    version: await eventsVersion(deps.postgres, time),
    passed: async () => {
      const marks = createMongoActivities({
        mongo: deps.mongo,
        mongoDatabase: deps.config.mongo.database,
      });
      const { awaitMark } = createClickHouseActivities({
        clickhouse: deps.clickhouse,
        database: deps.config.clickhouse.database,
        onCluster: '',
        codeVersion: '',
      });
      // An earlier position's, which has arrived already, would prove nothing.
      const own = { id: `${mark.id}/${time.high}.${time.low}` };
      try {
        await marks.markEvents(own);
        await inLaps(waiting, (waitMs) => awaitMark({ ...own, waitMs }));
      } finally {
        await marks.removeMark(own);
      }
      await consumed(deps, waiting, EVENTS_TOPIC);
    },
  };
}

/** Waits until ClickHouse has read what a topic holds now. */
async function consumed(deps: Deps, waiting: Waiting, topic: string): Promise<void> {
  const { freezeEnds, awaitConsumed } = createKafkaActivities(deps);
  const ends = { [topic]: (await freezeEnds())[topic] ?? {} };
  await inLaps(waiting, (waitMs) => awaitConsumed({ ends, waitMs }));
}

async function inLaps<T>(
  { patienceMs, progress }: Waiting,
  lap: (waitMs: number) => Promise<Lap<T>>,
): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const leftMs = untilMs - performance.now();
    const answer = await lap(Math.min(LAP_MS, Math.max(leftMs, 0)));
    if (answer.passed) return;
    progress(`waiting for ${answer.waitingFor}`);
    if (performance.now() >= untilMs) {
      throw new PipelineError(
        'SILVER_BEHIND',
        `comparing contents: gave up waiting for ${answer.waitingFor}`,
        {
          retryable: true,
        },
      );
    }
  }
}
