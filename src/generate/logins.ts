import { partitionOfKey } from '../core/murmur2.js';
import {
  invalidField,
  malformed,
  missingField,
  unknownDeviceType,
  type BrokenLogin,
} from './logins-faults.js';
import { Incidents, type IncidentKind, type IncidentLogin } from './logins-incidents.js';
import { checkLoginOptions, JITTER_MS, type LoginOptions } from './logins-options.js';
import {
  deviceOf,
  hasTwoDevices,
  loginOf,
  userId,
  type CleanFields,
  type LoginFields,
} from './logins-people.js';
import { Random } from './random.js';

/** What must become of a message. */
export type LoginTruth =
  | {
      readonly outcome: 'clean';
      readonly record: CleanFields;
      /** Set where the login is part of an incident. */
      readonly incident: IncidentKind | undefined;
    }
  | { readonly outcome: 'dlq'; readonly reason: string }
  | { readonly outcome: 'filtered'; readonly reason: string };

export interface LoginMessage {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** When it arrives, epoch milliseconds. Never falls from one message to the next. */
  readonly atMs: number;
  readonly truth: LoginTruth;
}

/** A message is repeated while it is one of the last so many of its partition, and no older than this. */
const REPEATABLE_MESSAGES = 200;
const REPEATABLE_MS = 600_000;
/** Whether something is late shows after 101 messages; twice as many and it does so whoever counts. */
const MESSAGES_BEFORE_LATE = 202;
/** How many times the allowed lateness a late message is late, at least and below. */
const LATE_TIMES = [3, 4] as const;

/** Makes messages in order of arrival, each with what must become of it: the same for the same options on any machine. */
export function* generateLogins(options: LoginOptions): Generator<LoginMessage, void, undefined> {
  checkLoginOptions(options);
  const stream = new LoginStream(options);
  for (let i = 0; i < options.messages; i++) yield stream.next(i);
}

type Kind = 'missing' | 'malformed' | 'invalid' | 'unknown' | 'late' | 'duplicates' | 'tombstones' | 'sound';

/** What of a partition bears on the messages after it. */
interface PartitionSoFar {
  clean: number;
  /** The last clean messages, used as a ring. */
  readonly repeatable: LoginMessage[];
}

class LoginStream {
  readonly #options: LoginOptions;
  readonly #random: Random;
  readonly #incidents: Incidents;
  readonly #partitions: PartitionSoFar[];
  readonly #shares: readonly (readonly [Kind, number])[];
  /** Users take turns, in steps of this. */
  readonly #stride: number;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#random = Random.of(options.seed, 1);
    this.#incidents = new Incidents(options);
    this.#partitions = Array.from({ length: options.partitions }, () => ({ clean: 0, repeatable: [] }));
    this.#stride = strideOf(options.users);
    const { missing, malformed, invalid, unknown, late, duplicates, tombstones } = options;
    this.#shares = Object.entries({
      missing,
      malformed,
      invalid,
      unknown,
      late,
      duplicates,
      tombstones,
    }) as [Kind, number][];
  }

  next(i: number): LoginMessage {
    const { fromMs, rate } = this.#options;
    const atMs = Math.floor(fromMs + (i * 1_000) / rate);
    const incident = this.#incidents.take(atMs);
    if (incident !== undefined) return this.#ofIncident(i, atMs, incident);
    const kind = this.#draw();
    if (kind === 'duplicates') {
      const repeated = this.#repeat(atMs);
      if (repeated !== undefined) return repeated;
    }
    return this.#ofUser(i, atMs, kind);
  }

  #draw(): Kind {
    let ticket = this.#random.fraction();
    return this.#shares.find(([, share]) => (ticket -= share) < 0)?.[0] ?? 'sound';
  }

  #ofIncident(i: number, atMs: number, { kind, person, device, dueMs }: IncidentLogin): LoginMessage {
    // At the instant it was due: two that arrive at one are no duplicates.
    const id = userId(this.#options.seed, person);
    const { fields, clean } = loginOf(this.#random, { id, person }, device, dueMs, 'ms');
    // Order within a partition is what tells that a version went back.
    const key = kind === 'IMPOSSIBLE_VERSION' ? Buffer.from(id) : this.#keyOf(id);
    return this.#clean(i, atMs, key, fields, clean, kind);
  }

  #ofUser(i: number, atMs: number, kind: Kind): LoginMessage {
    const { seed, users, latenessS } = this.#options;
    const random = this.#random;
    const person = (i * this.#stride + seed) % users;
    const device = deviceOf(seed, person, hasTwoDevices(person) && random.chance(0.3) ? 1 : 0);
    const jitterMs = random.int(0, JITTER_MS);
    const lateMs = 1_000 * latenessS * (LATE_TIMES[0] + random.fraction() * (LATE_TIMES[1] - LATE_TIMES[0]));
    const id = userId(seed, person);
    const key = this.#keyOf(id);
    const partition = this.#partitionOf(key, i);
    const isLate = kind === 'late' && this.#partitions[partition]!.clean >= MESSAGES_BEFORE_LATE;
    const eventMs = Math.floor(atMs - (isLate ? lateMs : jitterMs));
    const { fields, clean } = loginOf(random, { id, person }, device, eventMs);
    if (isLate) return dead(partition, key, atMs, { value: bytesOf(fields), reason: 'TOO_LATE' });
    switch (kind) {
      case 'missing':
        return dead(partition, key, atMs, missingField(random, fields));
      case 'malformed':
        return dead(partition, key, atMs, malformed(random, fields));
      case 'invalid':
        return dead(partition, key, atMs, invalidField(random, fields));
      case 'unknown':
        return dead(partition, key, atMs, unknownDeviceType(random, fields));
      case 'tombstones':
        return { partition, key, value: null, atMs, truth: { outcome: 'filtered', reason: 'TOMBSTONE' } };
      case 'late':
      case 'duplicates':
      case 'sound':
        return this.#clean(i, atMs, key, fields, clean, undefined);
    }
  }

  #clean(
    i: number,
    atMs: number,
    key: Buffer | null,
    fields: LoginFields,
    record: CleanFields,
    incident: IncidentKind | undefined,
  ): LoginMessage {
    const partition = this.#partitionOf(key, i);
    const truth: LoginTruth = { outcome: 'clean', record, incident };
    const message = { partition, key, value: bytesOf(fields), atMs, truth };
    const soFar = this.#partitions[partition]!;
    soFar.repeatable[soFar.clean % REPEATABLE_MESSAGES] = message;
    soFar.clean += 1;
    return message;
  }

  /** One of the last messages of some partition again; undefined where there is none yet. */
  #repeat(atMs: number): LoginMessage | undefined {
    const { repeatable } = this.#random.pick(this.#partitions);
    if (repeatable.length === 0) return undefined;
    const { partition, key, value, atMs: firstAtMs } = this.#random.pick(repeatable);
    if (atMs - firstAtMs > REPEATABLE_MS) return undefined;
    return { partition, key, value, atMs, truth: { outcome: 'filtered', reason: 'DUPLICATE' } };
  }

  #keyOf(id: string): Buffer | null {
    return this.#random.chance(this.#options.nullKeys) ? null : Buffer.from(id);
  }

  #partitionOf(key: Buffer | null, i: number): number {
    const { partitions } = this.#options;
    return key === null ? i % partitions : partitionOfKey(key, partitions);
  }
}

const bytesOf = (fields: LoginFields): Buffer => Buffer.from(JSON.stringify(fields));

const dead = (
  partition: number,
  key: Buffer | null,
  atMs: number,
  { value, reason }: BrokenLogin,
): LoginMessage => ({ partition, key, value, atMs, truth: { outcome: 'dlq', reason } });

/** Coprime with the number of users, so that everybody has a turn before anybody has two. */
function strideOf(users: number): number {
  for (let stride = Math.max(1, Math.floor(users * 0.618)); ; stride++) {
    if (greatestCommonDivisor(stride, users) === 1) return stride;
  }
}

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b);
