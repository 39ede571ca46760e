import { deviceOf, type Device } from './logins-people.js';
import { INCIDENT_THRESHOLDS, INCIDENT_WINDOW_MS, JITTER_MS, type LoginOptions } from './logins-options.js';
import { Random } from './random.js';

export type IncidentKind = 'BURST' | 'SHARED_DEVICE' | 'DEVICE_HOPPING' | 'IMPOSSIBLE_VERSION';

/** One login of an incident, due when it should arrive. */
export interface IncidentLogin {
  readonly dueMs: number;
  readonly kind: IncidentKind;
  readonly person: number;
  readonly device: Device;
}

/** Logins above the threshold, up to so many. */
const EXTRA = 4;
/** Between two logins of an incident where there is room, ms. */
const STEP_MS = 1_000;
/** Logins of an incident keep clear of the ends of their window, ms: they may arrive a little after they are due. */
const MARGIN_MS = 1_000;

/**
 * Incidents of a run: as many of each kind as asked for in every alert window that it touches, each by people and devices of
 * its own, who do nothing else.
 */
export class Incidents {
  readonly #options: LoginOptions;
  /** The rest of the window under way, the next one last. */
  #due: IncidentLogin[] = [];
  #windowEndMs = Number.NEGATIVE_INFINITY;
  #people: number;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#people = options.users;
  }

  /** The next login of an incident that is due at this instant. Instants never fall. */
  take(nowMs: number): IncidentLogin | undefined {
    if (nowMs >= this.#windowEndMs) this.#plan(Math.floor(nowMs / INCIDENT_WINDOW_MS) * INCIDENT_WINDOW_MS);
    // Where messages are so few that one would come very late, it does not come.
    while ((this.#due.at(-1)?.dueMs ?? Infinity) < nowMs - JITTER_MS) this.#due.pop();
    return (this.#due.at(-1)?.dueMs ?? Infinity) <= nowMs ? this.#due.pop() : undefined;
  }

  #plan(windowMs: number): void {
    const { seed, fromMs, messages, rate, bursts, sharedDevices, hopping, downgrades } = this.#options;
    this.#windowEndMs = windowMs + INCIDENT_WINDOW_MS;
    const startMs = Math.max(windowMs, fromMs) + MARGIN_MS;
    const endMs = Math.min(this.#windowEndMs, fromMs + (messages * 1_000) / rate) - MARGIN_MS;
    const random = Random.of(seed, 3, windowMs);
    const make = (
      count: number,
      incident: (random: Random) => Omit<IncidentLogin, 'dueMs'>[],
    ): IncidentLogin[] =>
      Array.from({ length: count }, () => inTime(incident(random), startMs, endMs, random)).flat();
    // What is left of the window before is cut off with it.
    this.#due = [
      ...make(bursts, (chance) => this.#burst(chance)),
      ...make(sharedDevices, (chance) => this.#sharedDevice(chance)),
      ...make(hopping, (chance) => this.#hopping(chance)),
      ...make(downgrades, () => this.#downgrade()),
    ].sort((a, b) => b.dueMs - a.dueMs);
  }

  #burst(random: Random): Omit<IncidentLogin, 'dueMs'>[] {
    const person = this.#people++;
    const device = deviceOf(this.#options.seed, person, 0);
    const logins = random.int(INCIDENT_THRESHOLDS.burstLogins, INCIDENT_THRESHOLDS.burstLogins + EXTRA);
    return Array.from({ length: logins }, () => ({ kind: 'BURST', person, device }));
  }

  #sharedDevice(random: Random): Omit<IncidentLogin, 'dueMs'>[] {
    const device = deviceOf(this.#options.seed, this.#people, 0);
    const users = random.int(INCIDENT_THRESHOLDS.usersOfDevice, INCIDENT_THRESHOLDS.usersOfDevice + EXTRA);
    return Array.from({ length: users }, () => ({ kind: 'SHARED_DEVICE', person: this.#people++, device }));
  }

  #hopping(random: Random): Omit<IncidentLogin, 'dueMs'>[] {
    const person = this.#people;
    const devices = random.int(INCIDENT_THRESHOLDS.devicesOfUser, INCIDENT_THRESHOLDS.devicesOfUser + EXTRA);
    return Array.from({ length: devices }, () => ({
      kind: 'DEVICE_HOPPING',
      person,
      device: deviceOf(this.#options.seed, this.#people++, 0),
    }));
  }

  #downgrade(): Omit<IncidentLogin, 'dueMs'>[] {
    const person = this.#people++;
    const device = deviceOf(this.#options.seed, person, 0);
    // Lower by number, higher by text: 2.9.3 is before 2.10.0.
    return ['2.10.0', '2.9.3'].map((version) => ({
      kind: 'IMPOSSIBLE_VERSION',
      person,
      device: { ...device, version },
    }));
  }
}

/** Spreads an incident's logins from a random instant on, all of them in `[startMs, endMs)`. */
function inTime(
  logins: readonly Omit<IncidentLogin, 'dueMs'>[],
  startMs: number,
  endMs: number,
  random: Random,
): IncidentLogin[] {
  const roomMs = endMs - startMs;
  const stepMs = Math.min(STEP_MS, Math.floor(roomMs / (logins.length + 1)));
  // Two logins of one user and device at one instant would be a duplicate.
  if (stepMs < 2) return [];
  const firstMs = startMs + random.fraction() * (roomMs - stepMs * logins.length);
  return logins.map((login, index) => ({ ...login, dueMs: Math.floor(firstMs) + index * stepMs }));
}
