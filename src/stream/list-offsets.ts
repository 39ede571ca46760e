import type { KafkaConnection } from './kafka-connection.js';
import { check } from './kafka-errors.js';
import { listOffsetsRequest, type ListedOffset } from './requests.js';

/** One offset per partition for a timestamp (or `EARLIEST`, `LATEST`), asked of each partition's leader. */
export async function listOffsets(
  connection: KafkaConnection,
  topic: string,
  partitions: readonly number[],
  timestampMs: number,
  isolation: number,
): Promise<Map<number, ListedOffset>> {
  return connection.whileMoving(async (fresh) => {
    if (fresh) await connection.topic(topic, true);
    const byLeader = new Map<number, number[]>();
    for (const partition of partitions) {
      const leader = await connection.leader(topic, partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    const answers = await Promise.all(
      [...byLeader].map(([leader, led]) => {
        const targets = led.map((partition) => ({ partition, timestampMs }));
        return connection.send(leader, listOffsetsRequest(topic, targets, isolation));
      }),
    );
    const listed = answers.flat();
    for (const { errorCode, partition } of listed) {
      check(errorCode, `listing offsets of ${topic}-${partition}`, { topic, partition });
    }
    return new Map(listed.map((item) => [item.partition, item]));
  });
}
