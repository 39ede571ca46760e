import type { KeyRange } from './content.js';
import { CANARY_USER_ID } from './ids.js';

/**
 * Users as content, in PostgreSQL's SQL and in ClickHouse's: the same text of a row, byte for byte, and so the same MD5.
 * Texts carry their length in bytes, so that no two rows have the same text. Times are microseconds since the epoch, `-` where
 * silver holds NULL: for what its column cannot hold (docs/cdc.md), which PostgreSQL's `infinity`, years before 1 and
 * after 9999 are. The reserved user is left out on both sides. Keys are signed 64-bit numbers.
 */

/** Every key there is. */
export const ALL_USERS: KeyRange = { from: -(1n << 63n), to: 1n << 63n };

const micros = (column: string): string =>
  `CASE WHEN ${column} >= '0001-01-01 00:00:00+00' AND ${column} < '10000-01-01 00:00:00+00'
        THEN (extract(epoch FROM ${column}) * 1000000)::bigint::text ELSE '-' END`;

/** PostgreSQL's `coalesce` for tables whose columns may be null: silver keeps an empty text then. */
const measured = (column: string): string =>
  `octet_length(coalesce(${column}, '')) || ' ' || coalesce(${column}, '')`;

const SOURCE_MD5 = `md5(user_id || ' ' || ${measured('full_name')} || ' ' || ${measured('email')} || ' ' ||
  coalesce(${micros('created_at')}, '-') || ' ' || coalesce(${micros('updated_at')}, '-'))`;

const half = (from: number): string => `('x' || substr(md5, ${from}, 16))::bit(64)::bigint`;
const SOURCE_SUMS = `count(*)::text AS rows, sum(${half(1)})::text AS high, sum(${half(17)})::text AS low`;

/** `OFFSET 0` keeps the planner from computing each MD5 once for every use of it. */
const hashedSource = (where: string): string =>
  `(SELECT user_id, ${SOURCE_MD5} AS md5 FROM public.users
    WHERE user_id != ${CANARY_USER_ID} AND ${where} OFFSET 0) AS hashed`;

/** $1, $2: first and last key (both included); $3: rows per part. Rows of (firstKey, rows, high, low), ascending. */
export const CUT_SOURCE_USERS = `
SELECT min(user_id)::text AS "firstKey", ${SOURCE_SUMS}
FROM (SELECT user_id, md5, (row_number() OVER (ORDER BY user_id) - 1) / $3::bigint AS part
      FROM ${hashedSource('user_id BETWEEN $1::bigint AND $2::bigint')}) AS numbered
GROUP BY part
ORDER BY part`;

/** $1: the parts' first keys, ascending; $2: the last key of all. Rows of (part, rows, high, low); parts from 1. */
export const DIGEST_SOURCE_USERS = `
SELECT width_bucket(user_id, $1::bigint[]) AS part, ${SOURCE_SUMS}
FROM ${hashedSource('user_id BETWEEN ($1::bigint[])[1] AND $2::bigint')}
GROUP BY part`;

/** $1, $2: first and last keys (both included) of ranges. Rows of (key, content). */
export const LIST_SOURCE_USERS = `
SELECT user_id::text AS key, ${SOURCE_MD5} AS content
FROM public.users JOIN unnest($1::bigint[], $2::bigint[]) AS wanted(first_key, last_key)
  ON user_id BETWEEN first_key AND last_key
WHERE user_id != ${CANARY_USER_ID}`;

/** $1: keys. Rows of (key, content). */
export const OBSERVE_SOURCE_USERS = `
SELECT user_id::text AS key, ${SOURCE_MD5} AS content
FROM public.users
WHERE user_id = ANY ($1::bigint[]) AND user_id != ${CANARY_USER_ID}`;

const isoMicros = (column: string): string =>
  `CASE WHEN ${column} >= '0001-01-01 00:00:00+00' AND ${column} < '10000-01-01 00:00:00+00'
        THEN to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END`;

/** $1: keys. Whole rows, as silver is to hold them. */
export const READ_SOURCE_USERS = `
SELECT user_id::text, coalesce(full_name, '') AS full_name, coalesce(email, '') AS email,
       ${isoMicros('created_at')} AS created_at, ${isoMicros('updated_at')} AS updated_at
FROM public.users
WHERE user_id = ANY ($1::bigint[]) AND user_id != ${CANARY_USER_ID}`;

const SILVER_MD5 = `MD5(concat(toString(user_id), ' ', toString(length(full_name)), ' ', full_name, ' ',
  toString(length(email)), ' ', email, ' ', ifNull(toString(toUnixTimestamp64Micro(created_at)), '-'), ' ',
  ifNull(toString(toUnixTimestamp64Micro(updated_at)), '-')))`;

/** Both halves of an MD5, big-endian as its text reads. */
export const silverSums = (md5: string): string =>
  `count() AS rows, toString(sum(reinterpretAsUInt64(reverse(substring(${md5}, 1, 8))))) AS high,
   toString(sum(reinterpretAsUInt64(reverse(substring(${md5}, 9, 8))))) AS low`;

const hashedSilver = (database: string, where: string): string =>
  `(SELECT user_id, ${SILVER_MD5} AS md5 FROM ${database}.users_with_deleted
    WHERE NOT is_deleted AND user_id != ${CANARY_USER_ID} AND ${where})`;

/** The same as {@link CUT_SOURCE_USERS}. */
export const cutSilverUsers = (database: string, { from, to }: KeyRange, rowsPerPart: number): string => `
SELECT toString(min(user_id)) AS firstKey, ${silverSums('md5')}
FROM (SELECT user_id, md5, intDiv(row_number() OVER (ORDER BY user_id) - 1, ${rowsPerPart}) AS part
      FROM ${hashedSilver(database, between({ from, to }))})
GROUP BY part
ORDER BY part`;

/** Rows of (firstKey, rows, high, low) for the parts that hold any; `ranges` ascending and without gaps. */
export const digestSilverUsers = (database: string, ranges: readonly KeyRange[]): string => {
  const [first, last] = [ranges[0], ranges.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError('digesting users of no range');
  const firstKeys = ranges.map(({ from }) => `'${from}'`).join(',');
  return `
SELECT toString(roundDown(user_id, CAST([${firstKeys}], 'Array(Int64)'))) AS firstKey, ${silverSums('md5')}
FROM ${hashedSilver(database, between({ from: first.from, to: last.to }))}
GROUP BY firstKey`;
};

/** The same as {@link LIST_SOURCE_USERS}. */
export const listSilverUsers = (database: string, ranges: readonly KeyRange[]): string => `
SELECT toString(user_id) AS key, lower(hex(md5)) AS content
FROM ${hashedSilver(database, `(${ranges.map(between).join(' OR ')})`)}`;

/** Rows of (key, token, content), deleted ones with content null. */
export const observeSilverUsers = (database: string, keys: readonly string[]): string => `
SELECT toString(user_id) AS key, concat(toString(version), if(is_deleted, ' deleted', '')) AS token,
       if(is_deleted, NULL, lower(hex(${SILVER_MD5}))) AS content
FROM ${database}.users_with_deleted
WHERE user_id IN (${keys.map((key) => literal(BigInt(key))).join(',')}) AND user_id != ${CANARY_USER_ID}`;

/** Rows of silver, deleted ones too, with their versions; times as ISO text. */
export const silverUserRows = (database: string, keys: readonly string[]): string => `
SELECT toString(user_id) AS user_id, full_name, email, formatDateTime(created_at, '%Y-%m-%dT%H:%i:%S.%fZ') AS created_at,
       formatDateTime(updated_at, '%Y-%m-%dT%H:%i:%S.%fZ') AS updated_at, toString(silver.version) AS version
FROM ${database}.silver_users AS silver FINAL
WHERE silver.user_id IN (${keys.map((key) => literal(BigInt(key))).join(',')})`;

const between = ({ from, to }: KeyRange): string =>
  `user_id BETWEEN ${literal(from)} AND ${literal(to - 1n)}`;

/** The parser reads the smallest number as minus a number that is too large for the type. */
const literal = (key: bigint): string => `toInt64('${key}')`;
