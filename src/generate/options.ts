import { parseDay, type Day } from '../core/day.js';
import { PipelineError } from '../core/errors.js';
import { MAX_EVENTS, MAX_SEED, MAX_USERS } from './keys.js';

/** What `generate users` makes: a population and what happens to it. Shares are of `[0, 1]`. */
export interface UserOptions {
  readonly seed: number;
  /** Users that are inserted. */
  readonly users: number;
  readonly from: Day;
  readonly days: number;
  /** Updates per inserted user. */
  readonly updateShare: number;
  /** Deletes per inserted user. */
  readonly deleteShare: number;
  /** Of the deletes: keys that are inserted again later. */
  readonly reinsertShare: number;
  /** Primary key changes per inserted user; a quarter of them onto the key of a deleted user, if there is one. */
  readonly changeKeyShare: number;
}

/** What `generate events` makes. Shares are per inserted event unless they say otherwise. */
export interface EventOptions {
  readonly seed: number;
  /** Events that are inserted. */
  readonly events: number;
  readonly from: Day;
  readonly days: number;
  /** Events written on a later day than their own; needs two days. */
  readonly lateShare: number;
  /** Events of user ids that were never users. */
  readonly unknownShare: number;
  readonly updateShare: number;
  readonly deleteShare: number;
  /** Of the deletes: ids that are inserted again later. */
  readonly reinsertShare: number;
  /** Events whose `ts` changes to another day; needs two days. */
  readonly moveShare: number;
  /** Of the users: how many never have an event. */
  readonly idleShare: number;
}

export const USER_DEFAULTS = {
  users: 1_000,
  updateShare: 0.3,
  deleteShare: 0.05,
  reinsertShare: 0.4,
  changeKeyShare: 0.02,
} as const;

export const EVENT_DEFAULTS = {
  events: 10_000,
  lateShare: 0.02,
  unknownShare: 0.01,
  updateShare: 0.05,
  deleteShare: 0.02,
  reinsertShare: 0.2,
  moveShare: 0.01,
  idleShare: 0.1,
} as const;

/** Fills in the defaults. @throws PipelineError `BAD_OPTIONS` naming every fault at once, `BAD_DAY`. */
export function userOptions(
  given: Pick<UserOptions, 'seed' | 'from' | 'days'> & Partial<UserOptions>,
): UserOptions {
  const options: UserOptions = { ...USER_DEFAULTS, ...withoutUndefined(given) };
  check([...commonFaults(options), ...countFault('users', options.users, MAX_USERS)]);
  return options;
}

/**
 * Fills in the defaults; with a single day nothing is late or moved unless asked for, which is a fault.
 * @throws PipelineError `BAD_OPTIONS` naming every fault at once, `BAD_DAY`.
 */
export function eventOptions(
  given: Pick<EventOptions, 'seed' | 'from' | 'days'> & Partial<EventOptions>,
): EventOptions {
  const singleDay = given.days === 1 ? { lateShare: 0, moveShare: 0 } : {};
  const options: EventOptions = { ...EVENT_DEFAULTS, ...singleDay, ...withoutUndefined(given) };
  const faults = [...commonFaults(options), ...countFault('events', options.events, MAX_EVENTS)];
  for (const share of ['lateShare', 'moveShare'] as const) {
    if (options.days === 1 && options[share] > 0) faults.push(`${share} needs at least two days`);
  }
  if (options.lateShare === 1) faults.push('lateShare must stay below 1: the first day has no day before it');
  check(faults);
  return options;
}

function commonFaults(options: UserOptions | EventOptions): string[] {
  parseDay(options.from);
  const faults = [
    ...countFault('seed', options.seed, MAX_SEED),
    ...(options.days < 1 ? ['days must be at least 1'] : countFault('days', options.days, 3_660)),
  ];
  for (const [name, value] of Object.entries(options)) {
    if (name.endsWith('Share') && !(value >= 0 && value <= 1)) faults.push(`${name} must be between 0 and 1`);
  }
  return faults;
}

function countFault(name: string, value: number, max: number): string[] {
  if (Number.isInteger(value) && value >= 0 && value <= max) return [];
  return [`${name} must be a whole number between 0 and ${max}`];
}

function check(faults: readonly string[]): void {
  if (faults.length > 0) {
    throw new PipelineError('BAD_OPTIONS', `reading what to generate: ${faults.join('; ')}`);
  }
}

function withoutUndefined<T extends object>(given: T): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
}
