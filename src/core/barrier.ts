/**
 * The completeness barrier: silver holds all that the sources had committed at a moment P when (1) both connectors have
 * produced past P, and (2) the Kafka-engine tables have read what the topics then held. PostgreSQL's connector tells its
 * position in LSNs. MongoDB's does not tell it in cluster times while the collection is idle, so an event of our own marks
 * P there: a change stream is in order, and what came before the mark is out when the mark has arrived. Pure decisions;
 * the questions are asked by activities.
 */

/** topic -> partition -> offset: every message below the offset is meant, none at or above it. */
export type KafkaPositions = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Source offset of a connector as Kafka Connect stores it (KIP-875); its shape is the connector's own. */
export type ConnectorOffset = Readonly<Record<string, unknown>>;

/** PostgreSQL's text form of an LSN (`16/B374D848`) as a decimal string. */
export function lsnToDecimal(text: string): string {
  const match = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text);
  if (match === null) throw new RangeError(`reading an LSN: "${text}" is not one`);
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)).toString();
}

/**
 * Whether Debezium's PostgreSQL connector has produced every transaction that committed before `lsn`. Transactions are
 * decoded in commit order, so an event or a commit at or past `lsn` comes after all of them. Offsets written while the
 * snapshot runs carry the snapshot's LSN before its rows are all out: they prove nothing.
 */
export function postgresProducedPast(offset: ConnectorOffset | null, lsn: string): boolean {
  if (offset === null || isSnapshotting(offset)) return false;
  const reached = [offset.lsn, offset.lsn_commit, offset.lsn_proc].map(toBigInt);
  return reached.some((position) => position !== null && position >= BigInt(lsn));
}

/** Debezium writes `snapshot` (older versions: `initsync`) into offsets until the snapshot is complete. */
function isSnapshotting(offset: ConnectorOffset): boolean {
  return [offset.snapshot, offset.initsync].some(
    (mark) => mark !== undefined && mark !== null && mark !== false && mark !== 'false',
  );
}

function toBigInt(value: unknown): bigint | null {
  if (typeof value === 'string' && /^\d+$/.test(value)) return BigInt(value);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
}

/** Messages of `[committed, end)` of one partition that a consumer group has not read yet. */
export interface Unread {
  readonly topic: string;
  readonly partition: number;
  readonly committed: string;
  readonly end: string;
}

/**
 * The partitions whose frozen end is still ahead of the group's committed offset. A group that never committed in a
 * partition stands at 0. What remains may be tombstones and control records only, which no consumer ever commits past.
 */
export function unreadPartitions(ends: KafkaPositions, committed: KafkaPositions): Unread[] {
  const unread: Unread[] = [];
  for (const [topic, partitions] of Object.entries(ends)) {
    for (const [partition, end] of Object.entries(partitions)) {
      const position = committed[topic]?.[partition] ?? '0';
      if (BigInt(position) < BigInt(end)) {
        unread.push({ topic, partition: Number(partition), committed: position, end });
      }
    }
  }
  return unread;
}

/** Whether who has read up to `positions` has read all that lies below `others`. */
export const covers = (positions: KafkaPositions, others: KafkaPositions): boolean =>
  unreadPartitions(others, positions).length === 0;

/** Per partition the larger of two positions. */
export function laterPositions(one: KafkaPositions, other: KafkaPositions): KafkaPositions {
  const merged: Record<string, Record<string, string>> = {};
  for (const positions of [one, other]) {
    for (const [topic, partitions] of Object.entries(positions)) {
      const target = (merged[topic] ??= {});
      for (const [partition, offset] of Object.entries(partitions)) {
        const known = target[partition];
        if (known === undefined || BigInt(offset) > BigInt(known)) target[partition] = offset;
      }
    }
  }
  return merged;
}

/** What a barrier still waits for, as one line. */
export const describeUnread = (unread: readonly Unread[], groups: Readonly<Record<string, string>>): string =>
  unread
    .map(
      ({ topic, partition, committed, end }) =>
        `${groups[topic] ?? 'the consumer'} to read ${topic}/${partition} up to ${end} (it is at ${committed})`,
    )
    .join(', ');
