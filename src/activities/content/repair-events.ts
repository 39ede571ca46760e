import type { Timestamp } from 'mongodb';
import { serviceFault } from '../../clients/fault.js';
import { idJson, silverEvent, strictJson, type SourceEvent } from '../../core/events-content.js';
import type { SilverEventRow } from '../../core/events-content-sql.js';
import { EVENTS_COLLECTION } from '../../core/names.js';
import type { CheckDeps } from '../checks/check.js';
import type { EventsSilver } from './events-silver.js';
import { EventsSource, idOfKey } from './events-source.js';
import type { Progress, Repaired } from './content-table.js';
import { removeForged, REPAIR_PARTITION, REPAIR_TOPIC, repairOffset } from './repair.js';
import { clusterTime, eventsVersion } from './versions.js';

type Deps = Pick<CheckDeps, 'postgres' | 'clickhouse' | 'mongo' | 'config'>;

/**
 * Writes what the source holds of some events, a row or its absence, under a cluster time P. A transaction's writes have the
 * cluster time at which it commits (MongoDB manual, "Change Events": `clusterTime`), so one that is open at P ranks above P
 * when it ends: none need be waited for. The read is causally after P and of the majority, and shows all up to P.
 */
export async function repairEvents(
  deps: Deps,
  silver: EventsSilver,
  keys: readonly string[],
  hold: Progress,
): Promise<Repaired> {
  const rowsOf = await silver.rowsOf(keys);
  const time = await clusterTime(deps.mongo, deps.config.mongo.database);
  const version = await eventsVersion(deps.postgres, time);
  const documents = await documentsAfter(deps, keys, time, hold);
  // How Debezium writes an identity, where a message of it ever came: later changes must meet the same row.
  const named = await silver.bronzeIds(keys);
  const forged = [...rowsOf.values()].flat().filter((row) => BigInt(row.version) >= BigInt(version));
  await removeForged(
    deps,
    'silver_events',
    ['day', 'event_id'],
    forged.map((row) => ({
      literals: [`toDate('${row.day}')`, `unhex('${Buffer.from(row.eventId, 'utf8').toString('hex')}')`],
      version: row.version,
    })),
  );
  const values: object[] = [];
  let written = 0;
  let deleted = 0;
  for (const key of keys) {
    const rows = rowsOf.get(key) ?? [];
    const document = documents.get(key);
    const eventId = rows[0]?.eventId ?? named.get(key) ?? idJson(idOfKey(key));
    const changes = changesOf(eventId, document, rows);
    changes.forEach((change, i) =>
      values.push({
        topic: REPAIR_TOPIC,
        partition: REPAIR_PARTITION,
        offset: repairOffset(version, `${i} ${key}`),
        kafka_time: Date.now(),
        key: JSON.stringify({ id: eventId }),
        raw: JSON.stringify({ op: change.op, after: document === undefined ? null : strictJson(document) }),
        reason: '',
        version,
        source_time: Date.now(),
        ...change,
      }),
    );
    if (document !== undefined && silverEvent(document) !== undefined) written += 1;
    else if (changes.length > 0) deleted += 1;
  }
  await insert(deps, values);
  return { version, written, deleted, removed: forged.length };
}

/** Rows of parsed_events: the one of the day where the event is, and a flagged one for every day where silver has it besides. */
function changesOf(eventId: string, document: SourceEvent | undefined, rows: readonly SilverEventRow[]) {
  const event = document === undefined ? undefined : silverEvent(document);
  const day = event === undefined ? null : new Date(event.tsMs).toISOString().slice(0, 10);
  const elsewhere = rows.filter((row) => !row.isDeleted && !(row.day === day && row.eventId === eventId));
  const present = event && {
    op: 'u',
    event_id: eventId,
    day,
    user_id: event.userId,
    event_type: event.eventType,
    ts: event.tsMs,
    payload: event.payload,
  };
  const left = elsewhere.map((row) => ({
    op: event === undefined ? 'd' : 'u',
    event_id: row.eventId,
    old_day: row.day,
    old_user_id: row.userId,
    old_event_type: row.eventType,
    old_ts: row.tsMs,
    old_payload: row.payload,
  }));
  return present === undefined ? left : [present, ...left];
}

async function documentsAfter(
  { mongo, config }: Deps,
  keys: readonly string[],
  time: Timestamp,
  hold: Progress,
): Promise<Map<string, SourceEvent>> {
  return mongo.withSession({ causalConsistency: true }, async (session) => {
    session.advanceOperationTime(time);
    const collection = mongo.db(config.mongo.database).collection<{ _id: string }>(EVENTS_COLLECTION);
    const source = new EventsSource(collection, hold);
    const found = await source.byIds(keys.map(idOfKey), { session, readConcern: { level: 'majority' } });
    return new Map(found.map(({ key, document }) => [key, document]));
  });
}

async function insert({ clickhouse, config }: Deps, values: readonly object[]): Promise<void> {
  try {
    await clickhouse.insert({
      table: `${config.clickhouse.database}.parsed_events`,
      values,
      format: 'JSONEachRow',
    });
  } catch (cause) {
    throw serviceFault('clickhouse', 'writing repaired events', cause);
  }
}
