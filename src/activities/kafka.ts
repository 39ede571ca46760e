import type { Admin } from 'kafkajs';
import { serviceFault } from '../clients/fault.js';
import { describeUnread, laterPositions, unreadPartitions } from '../core/barrier.js';
import { EVENTS_GROUP, EVENTS_TOPIC, USERS_GROUP, USERS_TOPIC } from '../core/names.js';
import type { AwaitConsumedInput, KafkaPositions, Lap } from '../messages.js';
import { committedOffsets, withData } from '../stream/group-lag.js';
import type { KafkaConnection } from '../stream/kafka-connection.js';
import { freeze, type FrozenTopic } from '../stream/log-positions.js';
import { waitLap } from './wait-lap.js';

export interface KafkaDeps {
  readonly kafka: KafkaConnection;
  readonly admin: Pick<Admin, 'fetchOffsets'>;
}

export type KafkaActivities = ReturnType<typeof createKafkaActivities>;

/** Who reads the CDC topics into ClickHouse. */
const GROUPS: Readonly<Record<string, string>> = {
  [USERS_TOPIC]: USERS_GROUP,
  [EVENTS_TOPIC]: EVENTS_GROUP,
};

export function createKafkaActivities({ kafka, admin }: KafkaDeps) {
  const freezeAll = (): Promise<FrozenTopic[]> =>
    Promise.all(Object.keys(GROUPS).map((topic) => freeze(kafka, topic)));

  async function committedPositions(): Promise<KafkaPositions> {
    const groups = Object.entries(GROUPS).map(async ([topic, groupId]) => {
      return [topic, await committedOffsets(admin, groupId, topic)] as const;
    });
    return Object.fromEntries(await Promise.all(groups));
  }

  return {
    /**
     * The high watermark of every partition of the CDC topics. Not the last stable offset: the marker that decides the
     * connector's transaction may reach its offsets topic before it reaches these, and then what we saw committed there
     * would still lie above the last stable offset here.
     */
    freezeEnds: (): Promise<KafkaPositions> =>
      asking('freezing the ends of the CDC topics', async () =>
        Object.fromEntries(
          (await freezeAll()).map(({ topic, partitions }) => [
            topic,
            Object.fromEntries(partitions.map((one) => [String(one.partition), String(one.highWatermark)])),
          ]),
        ),
      ),

    /** How far ClickHouse has read: everything below has passed every materialized view. */
    readCommitted: (): Promise<KafkaPositions> =>
      asking('reading the committed offsets of ClickHouse', committedPositions),

    /** Waits until ClickHouse has read up to the frozen ends; gives the positions it has then read up to. */
    awaitConsumed: ({ ends, waitMs }: AwaitConsumedInput): Promise<Lap<KafkaPositions>> =>
      waitLap(waitMs, () =>
        asking('comparing the committed offsets of ClickHouse', async () => {
          const committed = await committedPositions();
          const unread = unreadPartitions(ends, committed);
          if (unread.length > 0) {
            const real = await withData(kafka, unread);
            if (real.length > 0) return { passed: false, waitingFor: describeUnread(real, GROUPS) };
          }
          return { passed: true, value: laterPositions(committed, ends) };
        }),
      ),
  };
}

async function asking<T>(doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw serviceFault('kafka', doing, cause);
  }
}
