import { PipelineError } from '../core/errors.js';

/** What `generate logins` makes. Shares are of all messages, [0, 1]. */
export interface LoginOptions {
  readonly seed: number;
  /** How many messages; Infinity for a stream without an end. */
  readonly messages: number;
  readonly partitions: number;
  /** Messages per second of event time. */
  readonly rate: number;
  /** When the first message arrives, epoch milliseconds. */
  readonly fromMs: number;
  /** Users who take turns. Few of them at a high rate would look like bursts: see `checkLoginOptions`. */
  readonly users: number;
  /** Messages without a field, or with null or an empty text in its place. */
  readonly missing: number;
  /** Messages that are no JSON object in UTF-8. */
  readonly malformed: number;
  /** Messages with a value that its field cannot have. */
  readonly invalid: number;
  /** Messages of a device type that nobody knows. */
  readonly unknown: number;
  /** Messages that come more than three times `latenessS` late. */
  readonly late: number;
  readonly latenessS: number;
  /** Messages that repeat one of the last ones of their partition, byte by byte. */
  readonly duplicates: number;
  /** Messages with a key and no value. */
  readonly tombstones: number;
  /** Messages without a key, which go to the partitions in turn. */
  readonly nullKeys: number;
  /** Incidents of each kind in every ten minutes: bursts of one user ... */
  readonly bursts: number;
  /** ... devices of many users ... */
  readonly sharedDevices: number;
  /** ... users on many devices ... */
  readonly hopping: number;
  /** ... and devices whose version of the app goes back. */
  readonly downgrades: number;
}

/** From how many on, in an alert window, something is an incident. */
export const INCIDENT_THRESHOLDS = { burstLogins: 20, usersOfDevice: 5, devicesOfUser: 5 } as const;
/** Length of the windows in which incidents are looked for, ms. */
export const INCIDENT_WINDOW_MS = 600_000;

/** Ordinary logins arrive this late at most. */
export const JITTER_MS = 5_000;

export const LOGIN_DEFAULTS = {
  seed: 1,
  messages: 1_000_000,
  partitions: 4,
  rate: 1_000,
  fromMs: Date.UTC(2026, 10, 20, 9),
  missing: 0.02,
  malformed: 0.01,
  invalid: 0.01,
  unknown: 0.005,
  late: 0.005,
  latenessS: 3_600,
  duplicates: 0.01,
  tombstones: 0.001,
  nullKeys: 0.02,
  bursts: 3,
  sharedDevices: 3,
  hopping: 3,
  downgrades: 3,
} as const satisfies Omit<LoginOptions, 'users'>;

/** A user's turn comes so often in an alert window: well below a burst, and few enough users that a job can follow all. */
const TURNS_PER_INCIDENT_WINDOW = 10;
/** And at most so often, where the users are chosen: still no burst. */
const MOST_TURNS = 15;
/** Numbers of users and devices become nine digits: see `deviceId`. */
const MAX_USERS = 100_000_000;
/** With more late messages their times could become the middle of a hundred. */
const MAX_LATE_SHARE = 0.2;

const SHARES = ['missing', 'malformed', 'invalid', 'unknown', 'late', 'duplicates', 'tombstones'] as const;

/** As many users as keep everybody far from a burst. */
export const usersForRate = (rate: number): number =>
  Math.max(1_000, Math.ceil((rate * INCIDENT_WINDOW_MS) / 1_000 / TURNS_PER_INCIDENT_WINDOW));

/** The defaults, with what was given in their place. @throws PipelineError `BAD_OPTIONS` naming every fault. */
export function loginOptions(given: Partial<LoginOptions>): LoginOptions {
  const rate = given.rate ?? LOGIN_DEFAULTS.rate;
  const options = { ...LOGIN_DEFAULTS, users: usersForRate(rate), ...given };
  checkLoginOptions(options);
  return options;
}

/** @throws PipelineError `BAD_OPTIONS` naming every fault. */
export function checkLoginOptions(options: LoginOptions): void {
  const faults: string[] = [];
  const whole = (name: keyof LoginOptions, from: number, to = Number.MAX_SAFE_INTEGER): void => {
    const value = options[name];
    if (!Number.isInteger(value) || value < from || value > to)
      faults.push(`${name}: a whole number of [${from}, ${to}]`);
  };
  whole('seed', 0);
  if (options.messages !== Infinity) whole('messages', 0);
  whole('partitions', 1, 10_000);
  whole('fromMs', Date.UTC(2001, 0), Date.UTC(2099, 0));
  whole('users', 1, MAX_USERS);
  whole('latenessS', 1, 86_400);
  for (const name of ['bursts', 'sharedDevices', 'hopping', 'downgrades'] as const) whole(name, 0, 10_000);
  for (const name of [...SHARES, 'nullKeys'] as const) {
    if (!(options[name] >= 0 && options[name] <= 1)) faults.push(`${name}: a share of [0, 1]`);
  }
  if (SHARES.reduce((sum, name) => sum + options[name], 0) > 0.9)
    faults.push('the shares of what is not clean: 0.9 together at most');
  if (options.late > MAX_LATE_SHARE) faults.push(`late: a share of ${MAX_LATE_SHARE} at most`);
  if (!(options.rate > 0 && options.rate <= 1_000_000)) faults.push('rate: a number of (0, 1,000,000]');
  const turns = (options.rate * INCIDENT_WINDOW_MS) / 1_000 / options.users;
  if (turns > MOST_TURNS)
    faults.push(
      `users: at this rate ${usersForRate(options.rate)} or so, fewer would log in like bursts themselves`,
    );
  if (faults.length > 0) throw new PipelineError('BAD_OPTIONS', `generating logins: ${faults.join('; ')}`);
}
