import type { KeyRange } from './content.js';
import { CANARY_EVENT_PREFIX } from './ids.js';
import { silverSums } from './users-content-sql.js';

/**
 * Live events of silver as content: the texts of core/events-content.ts in ClickHouse's SQL. Keys are the first 64 bits of
 * the MD5 of the identity, as ids of all types have no order in common; reserved events are left out.
 */

const ID_TEXT = `multiIf(startsWith(event_id, '"'), concat('s', JSONExtractString(concat('[', event_id, ']'), 1)),
  JSONHas(event_id, '$oid'), concat('o', JSONExtractString(event_id, '$oid')),
  concat('j', replaceAll(event_id, ' ', '')))`;

const KEY = `reinterpretAsUInt64(reverse(substring(MD5(${ID_TEXT}), 1, 8)))`;

const EVENT_MD5 = `MD5(concat(toString(length(${ID_TEXT})), ' ', ${ID_TEXT}, ' ', toString(day), ' ',
  ifNull(toString(user_id), '-'), ' ', toString(length(event_type)), ' ', event_type, ' ',
  toString(toUnixTimestamp64Milli(ts)), ' ', payload))`;

/** Event ids are extended JSON: a string id starts with its quote. */
const OURS = `NOT startsWith(event_id, '"${CANARY_EVENT_PREFIX}')`;

/** Rows of (part, rows, high, low) for the parts that hold any: `2^bits` even ranges of keys, from 0. */
export const digestSilverEvents = (database: string, bits: number): string => `
SELECT toString(bitShiftRight(key, ${64 - bits})) AS part, ${silverSums('md5')}
FROM (SELECT ${KEY} AS key, ${EVENT_MD5} AS md5 FROM ${database}.silver_events FINAL WHERE NOT is_deleted AND ${OURS})
GROUP BY part
SETTINGS do_not_merge_across_partitions_select_final = 1`;

/** Columns of a row of silver: SilverEventRow. */
const COLUMNS = `event_id AS eventId, toString(day) AS day, toString(user_id) AS userId, event_type AS eventType,
  toFloat64(toUnixTimestamp64Milli(ts)) AS tsMs, payload, CAST(is_deleted, 'Bool') AS isDeleted, toString(version) AS version`;

/** Live rows whose keys lie in the ranges. */
export const listSilverEvents = (database: string, ranges: readonly KeyRange[]): string => `
WITH ${KEY} AS key
SELECT ${COLUMNS}
FROM ${database}.silver_events FINAL
WHERE NOT is_deleted AND ${OURS}
  AND (${ranges.map(({ from, to }) => `key BETWEEN ${from} AND ${to - 1n}`).join(' OR ')})
SETTINGS do_not_merge_across_partitions_select_final = 1`;

/** Rows of some identities (their `idText`s in hexadecimal UTF-8), on whatever day, deleted ones too. */
export const observeSilverEvents = (database: string, hexTexts: readonly string[]): string => `
SELECT ${COLUMNS}
FROM ${database}.silver_events FINAL
WHERE ${OURS} AND ${ID_TEXT} IN (${hexTexts.map((hex) => `unhex('${hex}')`).join(',')})
SETTINGS do_not_merge_across_partitions_select_final = 1`;

/** Rows of (eventId): how the messages of some identities wrote it. */
export const bronzeEventIds = (database: string, hexTexts: readonly string[]): string => `
SELECT DISTINCT event_id AS eventId
FROM ${database}.bronze_events
WHERE topic != '' AND ${ID_TEXT} IN (${hexTexts.map((hex) => `unhex('${hex}')`).join(',')})`;

export interface SilverEventRow {
  /** Extended JSON. */
  readonly eventId: string;
  readonly day: string;
  readonly userId: string | null;
  readonly eventType: string;
  readonly tsMs: number;
  readonly payload: string;
  readonly isDeleted: boolean;
  readonly version: string;
}
