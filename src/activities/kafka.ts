import type { Admin } from 'kafkajs';
import { serviceFault } from '../clients/fault.js';
import { describeUnread, laterPositions, unreadPartitions, type Unread } from '../core/barrier.js';
import { EVENTS_GROUP, EVENTS_TOPIC, USERS_GROUP, USERS_TOPIC } from '../core/names.js';
import type { AwaitConsumedInput, KafkaPositions, Lap } from '../messages.js';
import type { KafkaConnection } from '../stream/kafka-connection.js';
import { firstDataOffset, freeze, type FrozenTopic } from '../stream/log-positions.js';
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
      const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
      // -1: the group never committed in this partition.
      const committed = (answer?.partitions ?? []).filter(({ offset }) => !offset.startsWith('-'));
      return [
        topic,
        Object.fromEntries(committed.map(({ partition, offset }) => [String(partition), offset])),
      ];
    });
    return Object.fromEntries(await Promise.all(groups)) as KafkaPositions;
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

/** Those of the ranges that hold, or may yet hold, a record for ClickHouse: the engine drops null values and never commits past them. */
async function withData(kafka: KafkaConnection, unread: readonly Unread[]): Promise<Unread[]> {
  const topics = [...new Set(unread.map(({ topic }) => topic))];
  const frozen = new Map(
    await Promise.all(topics.map(async (topic) => [topic, await freeze(kafka, topic)] as const)),
  );
  const found: Unread[] = [];
  for (const range of unread) {
    const now = frozen.get(range.topic)?.partitions.find(({ partition }) => partition === range.partition);
    if (now === undefined || now.lastStableOffset < Number(range.end)) {
      // A transaction below the end is still undecided (or the topic was made anew, smaller): it may come to hold data.
      found.push(range);
      continue;
    }
    const startOffset = Math.max(Number(range.committed), now.logStartOffset);
    const endOffset = Number(range.end);
    if (startOffset >= endOffset) continue;
    const data = await firstDataOffset(kafka, range.topic, {
      partition: range.partition,
      startOffset,
      endOffset,
    });
    if (data !== undefined) found.push(range);
  }
  return found;
}

async function asking<T>(doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw serviceFault('kafka', doing, cause);
  }
}
