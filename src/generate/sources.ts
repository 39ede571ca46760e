import { ObjectId, type Collection, type Filter } from 'mongodb';
import type { Pool } from 'pg';
import type { EventAnswer, UserAnswer } from './answer.js';
import { Comparison, compareRows, type ComparisonResult } from './compare.js';
import {
  canonicalEventId,
  eventId,
  eventIdPrefix,
  objectIdRange,
  userIdRange,
  type EventId,
} from './keys.js';
import { payloadDigest } from './payload-digest.js';
import type { UserRow } from './users.js';
import { toBsonId, type StoredEvent } from './writers/mongo.js';

/** What is asked of one source about the rows of one seed. */
export interface SeedRows<Expected> {
  /** Whether the source has any row of the seed. */
  isPresent(): Promise<boolean>;
  /** Compares the rows of the seed with what must be there. */
  compare(expected: readonly Expected[]): Promise<ComparisonResult>;
  /** Deletes the rows of the seed. */
  remove(): Promise<void>;
}

/** The rows of a seed in `public.users`. */
export function usersOfSeed(pool: Pool, seed: number): SeedRows<UserAnswer> {
  const { from, to } = userIdRange(seed);
  const within = 'user_id >= $1 AND user_id < $2';
  return {
    async isPresent() {
      const found = await pool.query(`SELECT FROM public.users WHERE ${within} LIMIT 1`, [from, to]);
      return found.rows.length > 0;
    },
    async compare(expected) {
      const living = expected.filter((row) => !row.is_deleted).map(toUserRow);
      const iso = (column: string): string =>
        `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`;
      const { rows } = await pool.query<UserRow>(
        `SELECT user_id::text, full_name, email, ${iso('created_at')}, ${iso('updated_at')}
         FROM public.users WHERE ${within}`,
        [from, to],
      );
      return compareRows(toRows(living), toRows(rows), 'user_id');
    },
    async remove() {
      await pool.query(`DELETE FROM public.users WHERE ${within}`, [from, to]);
    },
  };
}

/**
 * How many of the first events to look for. When all of them are deleted and later ones are there, the first insert of
 * a run meets a duplicate key and says so.
 */
const PROBED_EVENTS = 500;

/** The events of a seed in `commerce.events`. */
export function eventsOfSeed(collection: Collection<StoredEvent>, seed: number): SeedRows<EventAnswer> {
  // Two ranges, asked one after the other: a range of `_id` uses its index, an `$or` need not.
  const ranges = idRanges(seed);
  return {
    async isPresent() {
      // By identity: the embedded stand-in answers that from its index, but reads the whole collection for a range.
      const first = Array.from({ length: PROBED_EVENTS }, (_, ordinal) => toBsonId(eventId(seed, ordinal)));
      return (await collection.findOne({ _id: { $in: first } }, { projection: { _id: 1 } })) !== null;
    },
    async compare(expected) {
      const comparison = new Comparison(toRows(expected), 'event_id');
      for (const range of ranges) {
        // 64-bit user ids stay exact only when they are not turned into doubles.
        const cursor = collection.find(range, { promoteLongs: false, batchSize: 1_000 });
        for await (const event of cursor) comparison.see(toAnswerRow(event));
      }
      return comparison.result();
    },
    async remove() {
      for (const range of ranges) await collection.deleteMany(range);
    },
  };
}

const toUserRow = ({ user_id, full_name, email, created_at, updated_at }: UserAnswer): UserRow => ({
  user_id,
  full_name,
  email,
  created_at,
  updated_at,
});

function idRanges(seed: number): Filter<StoredEvent>[] {
  const prefix = eventIdPrefix(seed);
  const { first, last } = objectIdRange(seed);
  return [
    // Only digits follow the prefix, and ":" comes right after "9".
    { _id: { $gte: prefix, $lt: `${prefix}:` } },
    { _id: { $gte: ObjectId.createFromHexString(first), $lte: ObjectId.createFromHexString(last) } },
  ];
}

function toAnswerRow(event: StoredEvent): Record<string, unknown> {
  const id: EventId = typeof event._id === 'string' ? event._id : { $oid: event._id.toHexString() };
  return {
    event_id: canonicalEventId(id),
    user_id: event.user_id.toString(),
    event_type: event.event_type,
    ts: event.ts.getTime(),
    payload: payloadDigest(event.payload),
  };
}

/** An interface is no index signature; the content is the same. */
const toRows = (rows: readonly object[]): Record<string, unknown>[] => rows as Record<string, unknown>[];
