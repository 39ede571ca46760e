import { CANARY_EVENT_PREFIX, CANARY_USER_ID } from '../core/ids.js';

/**
 * Every seed has keys of its own, so that runs with different seeds can share the tables: user ids
 * `[seed * 10^8, (seed + 1) * 10^8)` and event ids that begin with the seed. Large seeds give ids above 2^53, which
 * only 64-bit readers get right.
 */
const USERS_PER_SEED = 100_000_000;
/** Ordinals of key changes to a key that never existed; below lie the inserted ones. */
export const FIRST_CHANGED_KEY = 40_000_000;
/** Ordinals that never become users: what an event with an unknown user refers to. */
export const FIRST_UNKNOWN_USER = 50_000_000;
/** The seed must fit the four bytes it has in an ObjectId. */
export const MAX_SEED = 0x7fff_ffff;
/** Keeps inserted users clear of the ordinals reserved above, and event ordinals within an ObjectId's four bytes. */
export const MAX_USERS = 10_000_000;
export const MAX_EVENTS = 1_000_000_000;

/** The user id of an ordinal as a decimal string. It never reaches the canary's, whatever the seed. */
export function userId(seed: number, ordinal: number): string {
  const id = BigInt(seed) * BigInt(USERS_PER_SEED) + BigInt(ordinal + 1);
  if (id >= BigInt(CANARY_USER_ID)) throw new RangeError('deriving a user id: it would reach the canary');
  return id.toString();
}

/** The user ids of a seed, `[from, to)`, as decimal strings. */
export function userIdRange(seed: number): { from: string; to: string } {
  return { from: userId(seed, -1), to: userId(seed, USERS_PER_SEED - 1) };
}

/** The `_id` of an event, as extended JSON writes it: a string, or for every fourth event an ObjectId. */
export type EventId = string | { readonly $oid: string };

export function eventId(seed: number, ordinal: number): EventId {
  if (ordinal % 4 === 3) return { $oid: objectId(seed, ordinal) };
  return `${eventIdPrefix(seed)}${ordinal}`;
}

/** What the string ids of a seed begin with; no other seed's do, and the canary's do not. */
export function eventIdPrefix(seed: number): string {
  const prefix = `evt-${seed}-`;
  if (prefix.startsWith(CANARY_EVENT_PREFIX)) throw new RangeError('deriving an event id: it is the canary');
  return prefix;
}

/** The ObjectIds of a seed as hexadecimal, both ends included. */
export function objectIdRange(seed: number): { first: string; last: string } {
  return { first: objectId(seed, 0), last: objectId(seed, 0xffff_ffff) };
}

/** Four bytes of seed, four that say "tide", four of ordinal: in the order of the ordinals. */
function objectId(seed: number, ordinal: number): string {
  return `${hex32(seed)}74696465${hex32(ordinal)}`;
}

const hex32 = (value: number): string => value.toString(16).padStart(8, '0');

/** Canonical extended JSON of an `_id`: the identity of an event in silver. */
export const canonicalEventId = (id: EventId): string => JSON.stringify(id);
