import type { IncidentKind } from './logins-incidents.js';
import type { LoginMessage } from './logins.js';
import { INCIDENT_THRESHOLDS, INCIDENT_WINDOW_MS, JITTER_MS } from './logins-options.js';
import type { CleanFields } from './logins-people.js';

/** Lines of the exact answer. Windows are `[start, end)` of event time, as ISO 8601 in UTC. */
export type LoginAnswer = WindowAnswer | AlertAnswer | PartitionAnswer;

export interface WindowAnswer {
  readonly type: 'window';
  readonly start: string;
  readonly end: string;
  readonly dimension: (typeof DIMENSIONS)[number];
  /** Of the dimension; empty for `all`. */
  readonly value: string;
  readonly logins: number;
  /** Different ones. */
  readonly users: number;
}

export interface AlertAnswer {
  readonly type: 'alert';
  readonly kind: IncidentKind;
  readonly start: string;
  readonly end: string;
  /** The user's id, or the device's for SHARED_DEVICE and IMPOSSIBLE_VERSION. */
  readonly subject: string;
  /** Logins of a burst, users of a shared device, devices of a hopping user, versions of a device, in all of the window. */
  readonly count: number;
}

export interface PartitionAnswer {
  readonly type: 'partition';
  readonly partition: number;
  readonly read: number;
  readonly clean: number;
  /** By reason. */
  readonly dlq: Readonly<Record<string, number>>;
  readonly filtered: Readonly<Record<string, number>>;
}

export const DIMENSIONS = ['all', 'device_type', 'app_version', 'locale'] as const;
export const INSIGHT_WINDOW_MS = 60_000;

interface Tally {
  logins: number;
  readonly users: Set<string>;
}

/** One incident's subject in one window. */
interface Suspect {
  readonly kind: IncidentKind;
  readonly subject: string;
  logins: number;
  /** Whether a version was lower than the one before it. */
  wentBack: boolean;
  readonly versions: string[];
  readonly others: Set<string>;
}

interface PartitionTally {
  clean: number;
  readonly dlq: Record<string, number>;
  readonly filtered: Record<string, number>;
}

/**
 * Counts what was generated, by what the generator says of each message: it knows no rule of cleaning. Windows that no later
 * message can be in leave memory.
 */
export class LoginCounter {
  readonly #windows = new Map<number, Map<string, Tally>>();
  readonly #suspects = new Map<number, Map<string, Suspect>>();
  readonly #partitions = new Map<number, PartitionTally>();

  constructor(partitions: number) {
    for (let partition = 0; partition < partitions; partition++)
      this.#partitions.set(partition, { clean: 0, dlq: {}, filtered: {} });
  }

  add({ partition, truth }: LoginMessage): void {
    const own = this.#partitions.get(partition)!;
    if (truth.outcome !== 'clean') {
      const reasons = own[truth.outcome];
      reasons[truth.reason] = (reasons[truth.reason] ?? 0) + 1;
      return;
    }
    own.clean += 1;
    this.#count(truth.record);
    if (truth.incident !== undefined) this.#suspect(truth.incident, truth.record);
  }

  /** Answers to the windows that are over once messages arrive at this instant. */
  close(atMs: number): LoginAnswer[] {
    // Messages that are later than this are in no window, but in the dead letters.
    const beforeMs = atMs - 2 * JITTER_MS;
    return [
      ...closed(this.#windows, INSIGHT_WINDOW_MS, beforeMs).flatMap(([startMs, tallies]) =>
        [...tallies].map(([name, tally]) => windowAnswer(startMs, name, tally)),
      ),
      ...closed(this.#suspects, INCIDENT_WINDOW_MS, beforeMs).flatMap(([startMs, suspects]) =>
        [...suspects.values()].filter(isIncident).map((suspect) => alertAnswer(startMs, suspect)),
      ),
    ];
  }

  /** The rest of the answer, when no message follows. */
  finish(): LoginAnswer[] {
    const partitions = [...this.#partitions].map(([partition, { clean, dlq, filtered }]): PartitionAnswer => {
      const sum = (reasons: Record<string, number>): number =>
        Object.values(reasons).reduce((total, count) => total + count, 0);
      return { type: 'partition', partition, read: clean + sum(dlq) + sum(filtered), clean, dlq, filtered };
    });
    return [...this.close(Number.POSITIVE_INFINITY), ...partitions];
  }

  #count({ tsMs, user_id, ...values }: CleanFields): void {
    const tallies = atWindow(this.#windows, tsMs, INSIGHT_WINDOW_MS);
    for (const dimension of DIMENSIONS) {
      const name = dimension === 'all' ? 'all ' : `${dimension} ${values[dimension]}`;
      let tally = tallies.get(name);
      if (tally === undefined) tallies.set(name, (tally = { logins: 0, users: new Set() }));
      tally.logins += 1;
      tally.users.add(user_id);
    }
  }

  #suspect(kind: IncidentKind, { tsMs, user_id, device_id, app_version }: CleanFields): void {
    const isOfDevice = kind === 'SHARED_DEVICE' || kind === 'IMPOSSIBLE_VERSION';
    const [subject, other] = isOfDevice ? [device_id, user_id] : [user_id, device_id];
    const suspects = atWindow(this.#suspects, tsMs, INCIDENT_WINDOW_MS);
    let suspect = suspects.get(subject);
    if (suspect === undefined) {
      suspect = { kind, subject, logins: 0, wentBack: false, versions: [], others: new Set() };
      suspects.set(subject, suspect);
    }
    suspect.logins += 1;
    suspect.others.add(other);
    suspect.wentBack ||= isLower(app_version, suspect.versions.at(-1) ?? app_version);
    if (!suspect.versions.includes(app_version)) suspect.versions.push(app_version);
  }
}

function atWindow<T>(windows: Map<number, Map<string, T>>, atMs: number, lengthMs: number): Map<string, T> {
  const startMs = Math.floor(atMs / lengthMs) * lengthMs;
  let found = windows.get(startMs);
  if (found === undefined) windows.set(startMs, (found = new Map<string, T>()));
  return found;
}

/** Takes the windows out that end at `beforeMs` or earlier, by time. */
function closed<T>(windows: Map<number, T>, lengthMs: number, beforeMs: number): [number, T][] {
  const over = [...windows].filter(([startMs]) => startMs + lengthMs <= beforeMs).sort(([a], [b]) => a - b);
  for (const [startMs] of over) windows.delete(startMs);
  return over;
}

function isLower(version: string, than: string): boolean {
  const [one, other] = [version.split('.').map(Number), than.split('.').map(Number)];
  const at = one.findIndex((part, index) => part !== other[index]);
  return at >= 0 && one[at]! < other[at]!;
}

function countOf({ kind, logins, others, versions }: Suspect): number {
  if (kind === 'BURST') return logins;
  return kind === 'IMPOSSIBLE_VERSION' ? versions.length : others.size;
}

/** An incident that a window or the end of the run cut apart may be none any more. */
function isIncident(suspect: Suspect): boolean {
  const { burstLogins, usersOfDevice, devicesOfUser } = INCIDENT_THRESHOLDS;
  switch (suspect.kind) {
    case 'BURST':
      return countOf(suspect) >= burstLogins;
    case 'SHARED_DEVICE':
      return countOf(suspect) >= usersOfDevice;
    case 'DEVICE_HOPPING':
      return countOf(suspect) >= devicesOfUser;
    case 'IMPOSSIBLE_VERSION':
      return suspect.wentBack;
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

function windowAnswer(startMs: number, name: string, { logins, users }: Tally): WindowAnswer {
  const [dimension = '', value = ''] = name.split(' ');
  return {
    type: 'window',
    start: iso(startMs),
    end: iso(startMs + INSIGHT_WINDOW_MS),
    dimension: dimension as WindowAnswer['dimension'],
    value,
    logins,
    users: users.size,
  };
}

const alertAnswer = (startMs: number, suspect: Suspect): AlertAnswer => ({
  type: 'alert',
  kind: suspect.kind,
  start: iso(startMs),
  end: iso(startMs + INCIDENT_WINDOW_MS),
  subject: suspect.subject,
  count: countOf(suspect),
});
