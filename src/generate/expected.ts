import { addDays, dayOf, daysBetween } from '../core/day.js';
import type { Answer, EventAnswer, UserAnswer } from './answer.js';
import { spreadOver, type Clock } from './clock.js';
import { eventOperations, plannedEventSteps, type EventOperation } from './events.js';
import { EventModel, expectedGold, UserModel } from './model.js';
import type { EventOptions, UserOptions } from './options.js';
import { countSteps, knownUsers, plannedUserSteps, userOperations, type UserOperation } from './users.js';

/** The clock of a run of known size. */
export function userClock(options: UserOptions): Clock {
  return spreadOver(options.from, options.days, countSteps(plannedUserSteps(options)));
}

export function eventClock(options: EventOptions): Clock {
  return spreadOver(options.from, options.days, countSteps(plannedEventSteps(options)));
}

/** Every operation of a user run of known size, in order. */
export const userRun = (options: UserOptions): Generator<UserOperation> =>
  userOperations(options, userClock(options));

/** Every operation of an event run of known size, in order, over the users that a user run makes. */
export const eventRun = (options: EventOptions, users: UserOptions): Generator<EventOperation> =>
  eventOperations(options, knownUsers(users), eventClock(options));

/** The users table after a whole run. */
export function usersAfter(options: UserOptions): UserAnswer[] {
  const model = new UserModel();
  for (const operation of userRun(options)) model.apply(operation);
  return model.rows();
}

/** The events collection after a whole run. */
export function eventsAfter(options: EventOptions, users: UserOptions): EventAnswer[] {
  const model = new EventModel();
  for (const operation of eventRun(options, users)) model.apply(operation);
  return model.rows();
}

/** Puts the answer together from the final tables. */
export function answerOf(
  tables: { readonly users: readonly UserAnswer[]; readonly events: readonly EventAnswer[] },
  options: { readonly users: UserOptions; readonly events?: EventOptions },
): Answer {
  const { from, days } = options.events ?? options.users;
  const withEvents = new Set(tables.events.map(({ ts }) => dayOf(ts)));
  for (const day of daysBetween(from, addDays(from, days))) withEvents.add(day);
  return {
    options: { ...options },
    days: [...withEvents].sort(),
    ...tables,
    ...expectedGold(tables.users, tables.events),
  };
}
