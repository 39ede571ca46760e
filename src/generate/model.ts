import { dayOf } from '../core/day.js';
import type { EventAnswer, GoldAnswer, UnknownAnswer, UserAnswer } from './answer.js';
import type { EventOperation } from './events.js';
import { canonicalEventId } from './keys.js';
import { payloadDigest } from './payload-digest.js';
import type { UserOperation } from './users.js';

/**
 * The reference: applies operations to plain tables in memory and says what every table of the pipeline must hold.
 * It knows nothing of how the pipeline computes that, and throws when an operation is impossible.
 */
export class UserModel {
  readonly #rows = new Map<string, UserAnswer>();

  apply(operation: UserOperation): void {
    switch (operation.op) {
      case 'insert':
        this.#insert(operation.row);
        break;
      case 'update':
        this.#living(operation.row.user_id);
        this.#rows.set(operation.row.user_id, { ...operation.row, is_deleted: false });
        break;
      case 'delete':
        this.#delete(operation.user_id);
        break;
      case 'changeKey':
        // What a change stream makes of it: the old key is gone, the new one is there.
        this.#delete(operation.from);
        this.#insert(operation.row);
        break;
    }
  }

  /** Every user that ever was, by id; a deleted one as it was last, flagged. */
  rows(): UserAnswer[] {
    return [...this.#rows.values()].sort((a, b) => compareIds(a.user_id, b.user_id));
  }

  #insert(row: Omit<UserAnswer, 'is_deleted'>): void {
    if (this.#rows.get(row.user_id)?.is_deleted === false) {
      throw new RangeError('applying an insert of a user: the key is there already');
    }
    this.#rows.set(row.user_id, { ...row, is_deleted: false });
  }

  #delete(userId: string): void {
    this.#rows.set(userId, { ...this.#living(userId), is_deleted: true });
  }

  #living(userId: string): UserAnswer {
    const row = this.#rows.get(userId);
    if (row === undefined || row.is_deleted) throw new RangeError('applying a change of a user: no such row');
    return row;
  }
}

/** The same for events. Payloads are kept as digests, so that a million events fit in memory. */
export class EventModel {
  readonly #rows = new Map<number, EventAnswer>();

  apply(operation: EventOperation): void {
    const before = this.#rows.get(operation.ordinal);
    if ((before === undefined) !== (operation.op === 'insert')) {
      throw new RangeError(`applying an ${operation.op} of an event: it is${before ? '' : ' not'} there`);
    }
    if (operation.op === 'insert') {
      const { user_id, event_type, ts, payload } = operation.event;
      const event_id = canonicalEventId(operation._id);
      this.#rows.set(operation.ordinal, {
        event_id,
        user_id,
        event_type,
        ts,
        payload: payloadDigest(payload),
      });
    } else if (operation.op === 'delete') {
      this.#rows.delete(operation.ordinal);
    } else if (before !== undefined) {
      const { payload, ...set } = operation.set;
      const digest = payload === undefined ? {} : { payload: payloadDigest(payload) };
      this.#rows.set(operation.ordinal, { ...before, ...set, ...digest });
    }
  }

  /** The events that exist at the end, in the order of their insertion. */
  rows(): EventAnswer[] {
    return [...this.#rows.values()];
  }
}

export interface ExpectedGold {
  readonly gold: GoldAnswer[];
  readonly unknown: UnknownAnswer[];
  readonly usersWithoutEvents: string[];
}

/** What a day's aggregation must give for these final tables; rows by day, then by user id. */
export function expectedGold(users: readonly UserAnswer[], events: readonly EventAnswer[]): ExpectedGold {
  const known = new Map(users.map((user) => [user.user_id, user]));
  const perDay = new Map<string, Map<string, EventAnswer[]>>();
  for (const event of events) {
    const perUser = getOrAdd(perDay, dayOf(event.ts), () => new Map<string, EventAnswer[]>());
    getOrAdd(perUser, event.user_id, () => []).push(event);
  }
  const gold: GoldAnswer[] = [];
  const unknown: UnknownAnswer[] = [];
  const active = new Set<string>();
  for (const [day, perUser] of [...perDay].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const strangers = { day, events: 0, users: 0 };
    for (const [userId, own] of [...perUser].sort(([a], [b]) => compareIds(a, b))) {
      const user = known.get(userId);
      if (user === undefined) {
        strangers.users += 1;
        strangers.events += own.length;
        continue;
      }
      active.add(userId);
      gold.push(goldRow(day, user, own));
    }
    if (strangers.events > 0) unknown.push(strangers);
  }
  const usersWithoutEvents = [...known.keys()].filter((id) => !active.has(id)).sort(compareIds);
  return { gold, unknown, usersWithoutEvents };
}

function goldRow(day: string, user: UserAnswer, events: readonly EventAnswer[]): GoldAnswer {
  const times = events.map(({ ts }) => ts);
  const types = new Map<string, number>();
  for (const { event_type } of events) types.set(event_type, (types.get(event_type) ?? 0) + 1);
  return {
    day,
    user_id: user.user_id,
    total_events: events.length,
    first_event_ms: times.reduce((a, b) => Math.min(a, b)),
    last_event_ms: times.reduce((a, b) => Math.max(a, b)),
    events_by_type: Object.fromEntries([...types].sort(([a], [b]) => (a < b ? -1 : 1))),
    full_name: user.full_name,
    email: user.email,
    is_deleted: user.is_deleted,
  };
}

/** Decimal strings without leading zeros, by value. */
const compareIds = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
