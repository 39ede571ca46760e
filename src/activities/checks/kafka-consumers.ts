import type { Admin } from 'kafkajs';
import { serviceFault } from '../../clients/fault.js';
import { unreadPartitions, type Unread } from '../../core/barrier.js';
import type { ExpectedObject } from '../../core/expected-schema.js';
import type { Finding } from '../../core/verification.js';
import { committedOffsets, withData } from '../../stream/group-lag.js';
import { freeze } from '../../stream/log-positions.js';
import { ask } from '../../clients/ask-clickhouse.js';
import { failed, passed, type Check, type CheckContext, type CheckDeps } from './check.js';
import { expectedTables } from './clickhouse-tables.js';
import { withOwnAdmin } from './kafka-admin.js';

/** Seconds of a full load: more than this means that ClickHouse does not keep up, or does not read. */
const LAG_LIMIT_ROWS = 500_000;
/** How far back messages in bronze_errors count as new, ms: an hour. */
const ERROR_WINDOW_MS = 3_600_000;
/** A consumer polls several times a second, an insert of a large block apart. */
const SILENT_SECONDS = 60;
/** A view that throws, or a broker that refuses, is met again every second or two. */
const FAILING_SECONDS = 10;

/** Of one table of the Kafka engine. */
export interface ConsumerFacts {
  readonly table: string;
  readonly topic: string;
  /** Partitions of the topic; null: there is no such topic. */
  readonly partitions: number | null;
  /** Null: nothing consumes (the table is detached, or no view reads from it). */
  readonly consumer: {
    readonly assigned: number;
    /** Since its last poll, by ClickHouse's clock. */
    readonly silentSeconds: number;
    /** Names of its last exceptions, without their texts, which may quote a message. */
    readonly exceptions: readonly string[];
    /** Whether the last of them was just now, and nothing committed since. */
    readonly failing: boolean;
  } | null;
  /** Messages that it has not committed, in partitions that hold some; decimal. Null: not known. */
  readonly lag: string | null;
}

/** Messages that no table could take, by topic and reason. */
export interface BadMessages {
  readonly topic: string;
  readonly reason: string;
  readonly messages: string;
  /** `partition:offset` of the last of them. */
  readonly last: string;
}

/** Every Kafka table reads all partitions of its topic, keeps up, and has lately sent nothing to bronze_errors. */
export const kafkaConsumers: Check = {
  name: 'kafka-consumers',
  hop: 'kafka -> clickhouse',
  stage: 'hops',
  run: async (deps, { options }: CheckContext) => {
    const [consumers, bad] = await Promise.all([
      readConsumers(deps),
      readBadMessages(deps, options.errorWindowMs ?? ERROR_WINDOW_MS),
    ]);
    return judgeConsumers(consumers, bad, options.consumerLagLimitRows);
  },
};

export function judgeConsumers(
  consumers: readonly ConsumerFacts[],
  bad: readonly BadMessages[],
  lagLimitRows = LAG_LIMIT_ROWS,
): Finding {
  const evidence = {
    consumers: consumers.map((one) => ({ ...one, consumer: one.consumer && { ...one.consumer } })),
    badMessages: bad.map((one) => ({ ...one })),
  };
  const faults = consumers.flatMap((one) => faultOf(one, lagLimitRows) ?? []);
  const poison = bad.map(
    ({ topic, reason, messages, last }) =>
      `${messages} new bad messages of ${topic} in bronze_errors (${reason}; the last at ${last})`,
  );
  if (faults.length + poison.length === 0) {
    const lag = consumers.reduce((sum, one) => sum + BigInt(one.lag ?? 0), 0n);
    return passed(`${consumers.length} tables read their topics, ${lag} messages behind`, evidence);
  }
  const next = faults.length > 0 ? NEXT_CONSUMER : NEXT_POISON;
  return failed([...faults, ...poison].join('; '), evidence, next);
}

const NEXT_CONSUMER =
  "ATTACH the table and its view (check clickhouse-tables); SELECT * FROM system.kafka_consumers and ClickHouse's log say why one does not read";
const NEXT_POISON =
  'SELECT topic, partition, offset, reason FROM bronze_errors ORDER BY ingested_at DESC; mend who wrote them. They are kept and block nothing';

function faultOf(facts: ConsumerFacts, lagLimitRows: number): string | undefined {
  const { table, topic, partitions, consumer, lag } = facts;
  if (partitions === null) return `${table}: topic ${topic} does not exist`;
  if (consumer === null)
    return `${table} does not consume ${topic}: it is detached, or no view reads from it`;
  if (consumer.failing) return `${table} fails to consume ${topic}: ${consumer.exceptions.at(-1)}`;
  if (consumer.assigned < partitions)
    return `${table} reads ${consumer.assigned} of ${partitions} partitions of ${topic}`;
  if (consumer.silentSeconds > SILENT_SECONDS)
    return `${table} has not polled ${topic} for ${consumer.silentSeconds} s`;
  if (lag === null) return `${table}: how far behind it is cannot be told`;
  if (BigInt(lag) > BigInt(lagLimitRows))
    return `${table} is ${lag} messages of ${topic} behind (limit ${lagLimitRows})`;
  return undefined;
}

interface ConsumerRow {
  readonly table: string;
  readonly partitions: number[];
  readonly silentSeconds: number;
  readonly exceptions: string[];
  readonly failing: number;
}

async function readConsumers(deps: CheckDeps): Promise<ConsumerFacts[]> {
  const { database, cluster } = deps.config.clickhouse;
  const all =
    cluster === undefined
      ? 'system.kafka_consumers'
      : `clusterAllReplicas('${cluster}', system.kafka_consumers)`;
  let rows: ConsumerRow[];
  try {
    rows = await ask<ConsumerRow>(
      deps,
      // An exception's text begins with its number; only that gets out. A table has a consumer per thread and replica.
      `SELECT table,
              groupUniqArrayArray(assignments.partition_id) AS partitions,
              toFloat64(min(dateDiff('second', last_poll_time, now()))) AS silentSeconds,
              arrayMap(text -> if(extract(text, 'Code: (\\\\d+)') = '', 'an exception of the Kafka library', concat('code ', extract(text, 'Code: (\\\\d+)'))),
                       groupUniqArrayArray(10)(exceptions.text)) AS exceptions,
              max(arrayMax(arrayPushBack(exceptions.time, toDateTime(0))) > last_commit_time
                  AND arrayMax(arrayPushBack(exceptions.time, toDateTime(0))) > now() - ${FAILING_SECONDS}) AS failing
       FROM ${all} WHERE database = {database:String} GROUP BY table`,
      { database },
    );
  } catch (cause) {
    throw serviceFault('clickhouse', 'reading its Kafka consumers', cause);
  }
  const byTable = new Map(rows.map((row) => [row.table, row]));
  const tables = expectedTables(deps.config).filter(hasSource);
  try {
    return await withOwnAdmin(deps, async (admin) => {
      const topics = new Set(await admin.listTopics());
      return Promise.all(
        tables.map(async ({ name, source: { topic, group } }) => {
          const lag = topics.has(topic)
            ? await lagOf(deps, admin, topic, group)
            : { partitions: null, lag: null };
          return { table: name, topic, consumer: consumerOf(byTable.get(name)), ...lag };
        }),
      );
    });
  } catch (cause) {
    throw serviceFault('kafka', 'comparing the committed offsets of ClickHouse', cause);
  }
}

type WithSource = ExpectedObject & Required<Pick<ExpectedObject, 'source'>>;
const hasSource = (object: ExpectedObject): object is WithSource => object.source !== undefined;

const consumerOf = (row: ConsumerRow | undefined): ConsumerFacts['consumer'] =>
  row === undefined
    ? null
    : {
        assigned: row.partitions.length,
        silentSeconds: row.silentSeconds,
        exceptions: row.exceptions,
        failing: row.failing === 1,
      };

/** What lies between the group's commits and the ends, without partitions where only tombstones and control records remain. */
async function lagOf(
  { kafka }: Pick<CheckDeps, 'kafka'>,
  admin: Admin,
  topic: string,
  group: string,
): Promise<{ partitions: number; lag: string }> {
  // Commits first: they only grow, so the lag is never too small.
  const committed = { [topic]: await committedOffsets(admin, group, topic) };
  const { partitions } = await freeze(kafka, topic);
  const ends = {
    [topic]: Object.fromEntries(
      partitions.map(({ partition, lastStableOffset }) => [String(partition), String(lastStableOffset)]),
    ),
  };
  const starts = new Map(
    partitions.map(({ partition, logStartOffset }) => [partition, BigInt(logStartOffset)]),
  );
  const rows = ({ partition, committed: from, end }: Unread): bigint => {
    const start = starts.get(partition) ?? 0n;
    const first = BigInt(from) > start ? BigInt(from) : start;
    return BigInt(end) > first ? BigInt(end) - first : 0n;
  };
  const real = await withData(kafka, unreadPartitions(ends, committed));
  return { partitions: partitions.length, lag: String(real.reduce((sum, one) => sum + rows(one), 0n)) };
}

async function readBadMessages(deps: CheckDeps, windowMs: number): Promise<BadMessages[]> {
  try {
    return await ask<BadMessages>(
      deps,
      `SELECT topic, reason, toString(uniqExact(partition, offset)) AS messages,
              argMax(concat(toString(partition), ':', toString(offset)), ingested_at) AS last
       FROM ${deps.config.clickhouse.database}.bronze_errors
       WHERE ingested_at > now64(3) - toIntervalMillisecond({windowMs:UInt64})
       GROUP BY topic, reason ORDER BY topic, reason`,
      { windowMs },
    );
  } catch (cause) {
    throw serviceFault('clickhouse', 'reading bronze_errors', cause);
  }
}
