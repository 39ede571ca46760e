import type { Day } from '../../src/core/day.js';
import type { GoldAnswer } from '../../src/generate/answer.js';

interface Activity {
  total: number;
  firstMs: number;
  lastMs: number;
  readonly types: Map<string, number>;
}

/** Gold of events that follow an arithmetic, computed here, one event after the other; users are numbered. */
export class ExactGold {
  readonly #days = new Map<Day, Map<number, Activity>>();

  add(day: Day, user: number, ts: number, type: string): void {
    let users = this.#days.get(day);
    if (users === undefined) this.#days.set(day, (users = new Map<number, Activity>()));
    let row = users.get(user);
    if (row === undefined) users.set(user, (row = { total: 0, firstMs: ts, lastMs: ts, types: new Map() }));
    row.total += 1;
    row.firstMs = Math.min(row.firstMs, ts);
    row.lastMs = Math.max(row.lastMs, ts);
    row.types.set(type, (row.types.get(type) ?? 0) + 1);
  }

  /** User `n` has the id `firstUser + n`. */
  answers(firstUser: number, isDeleted: (user: number) => boolean): GoldAnswer[] {
    return [...this.#days].flatMap(([day, users]) =>
      Array.from(users, ([user, { total, firstMs, lastMs, types }]) => ({
        day,
        user_id: String(firstUser + user),
        total_events: total,
        first_event_ms: firstMs,
        last_event_ms: lastMs,
        events_by_type: Object.fromEntries(types),
        full_name: `User ${user}`,
        email: `${user}@example.com`,
        is_deleted: isDeleted(user),
      })),
    );
  }
}
