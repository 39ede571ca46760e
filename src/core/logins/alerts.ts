import { jsonRecord, readJson, type StateRecord } from '../uniques-state.js';
import { isoSeconds } from '../window.js';
import type { LoginFact } from './facts.js';
import { ALERTS, type AlertKind, type LoginAlert } from './insights.js';
import { Journal } from './journal.js';

/** From how many on something is told; each in one window. */
export interface AlertRules {
  readonly windowMs: number;
  /** Users on a device. */
  readonly sharedDeviceUsers: number;
  /** Devices of a user. */
  readonly hoppingDevices: number;
  /** Logins of a user. */
  readonly burstLogins: number;
  /** `n.n.n`: a version above it is impossible. */
  readonly newestVersion?: string;
  /** Users and devices followed at most, of each, in all open windows together. */
  readonly entries: number;
}

/** Members of one user or device that are told apart: beyond it, the count says "at least". */
const MAX_MEMBERS = 100;
const MAX_VERSIONS = 16;
const MEMBERS_TOLD = 10;

/** When a version was first and last seen on a device, epoch ms. */
type VersionSpan = [version: string, firstMs: number, lastMs: number];

/** A user, with devices, or a device, with users and versions. */
export interface Followed {
  readonly id: string;
  readonly isUser: boolean;
  logins: number;
  readonly members: string[];
  readonly versions: VersionSpan[];
  readonly told: AlertKind[];
}

type StoredFollowed = readonly [string, 0 | 1, number, string[], VersionSpan[], Followed['told']];

interface AlertWindow {
  readonly startMs: number;
  readonly users: Map<string, Followed>;
  readonly devices: Map<string, Followed>;
  /** Since the last snapshot. */
  readonly changed: Set<Followed>;
  /** With an alert that was not told. */
  readonly due: Set<Followed>;
  readonly journal: Journal<Followed>;
}

const ALERT_PREFIX = 'alert/';

/**
 * Users and devices of tumbling windows, and what is suspicious about them: a function of the *set* of logins, so that
 * neither the order of partitions nor a restart changes an alert, as long as the cap is not reached.
 */
export class LoginAlerts {
  readonly #rules: AlertRules;
  readonly #windows = new Map<number, AlertWindow>();
  readonly #gone: string[] = [];
  closedMs = Number.NEGATIVE_INFINITY;
  overflowUsers = 0;
  overflowDevices = 0;
  late = 0;
  #users = 0;
  #devices = 0;

  constructor(rules: AlertRules) {
    this.#rules = rules;
  }

  get users(): number {
    return this.#users;
  }

  get devices(): number {
    return this.#devices;
  }

  count(fact: LoginFact): void {
    const { windowMs, entries } = this.#rules;
    const startMs = Math.floor(fact.atMs / windowMs) * windowMs;
    if (startMs + windowMs <= this.closedMs) {
      this.late += 1;
      return;
    }
    const window = this.#open(startMs);
    const user =
      window.users.get(fact.userId) ??
      (this.#users < entries ? this.#follow(window, fact.userId, true) : undefined);
    const device =
      window.devices.get(fact.deviceId) ??
      (this.#devices < entries ? this.#follow(window, fact.deviceId, false) : undefined);
    if (user === undefined) this.overflowUsers += 1;
    else {
      see(user, fact.deviceId);
      this.#changed(window, user);
    }
    if (device === undefined) this.overflowDevices += 1;
    else {
      see(device, fact.userId);
      seeVersion(device.versions, fact.appVersion, fact.atMs);
      this.#changed(window, device);
    }
  }

  /** Alerts not told yet. Windows that end at `closedMs` or before tell all of theirs, as they ended, and leave memory. */
  results(nowMs: number, closedMs: number): LoginAlert[] {
    const told: LoginAlert[] = [];
    for (const window of this.#windows.values()) {
      const isClosing = window.startMs + this.#rules.windowMs <= closedMs;
      const candidates = isClosing ? [...window.users.values(), ...window.devices.values()] : window.due;
      for (const followed of candidates) {
        for (const alert of this.#alertsOf(window, followed, isClosing, nowMs)) {
          if (followed.told.includes(alert.alert) && !isClosing) continue;
          followed.told.push(alert.alert);
          told.push(alert);
        }
        window.changed.add(followed);
      }
      window.due.clear();
      if (isClosing) this.#close(window);
    }
    this.closedMs = Math.max(this.closedMs, closedMs);
    return told;
  }

  snapshot(): StateRecord[] {
    const records: StateRecord[] = this.#gone.splice(0).map((key) => ({ key, value: null }));
    for (const window of this.#windows.values()) {
      const all = (): Followed[] => [...window.users.values(), ...window.devices.values()];
      for (const { key, entries } of window.journal.write([...window.changed], all)) {
        records.push(
          entries === null ? { key, value: null } : jsonRecord(key, { entries: entries.map(toStored) }),
        );
      }
      window.changed.clear();
    }
    return records;
  }

  /** Takes up the records that are alerts' state. @throws PipelineError `BAD_STATE`. */
  restore(records: Iterable<StateRecord>): void {
    const own = [...records].flatMap(({ key, value }) => {
      if (!key.startsWith(ALERT_PREFIX) || value === null) return [];
      const [start, sequence] = key.slice(ALERT_PREFIX.length).split('/').map(Number);
      return [{ startMs: start!, sequence: sequence!, value }];
    });
    own.sort((a, b) => a.sequence - b.sequence);
    for (const { startMs, sequence, value } of own) {
      const window = this.#open(startMs);
      window.journal.restore(sequence);
      for (const stored of readJson<{ entries: StoredFollowed[] }>(value).entries) {
        const [id, isUser, logins, members, versions, told] = stored;
        const entry: Followed = { id, isUser: isUser === 1, logins, members, versions, told };
        const where = entry.isUser ? window.users : window.devices;
        if (!where.has(id)) this.#add(entry.isUser, 1);
        where.set(id, entry);
      }
    }
  }

  #open(startMs: number): AlertWindow {
    let window = this.#windows.get(startMs);
    if (window === undefined) {
      const journal = new Journal<Followed>(`${ALERT_PREFIX}${startMs}/`, sizeOf);
      window = {
        startMs,
        users: new Map(),
        devices: new Map(),
        changed: new Set(),
        due: new Set(),
        journal,
      };
      this.#windows.set(startMs, window);
    }
    return window;
  }

  #follow(window: AlertWindow, id: string, isUser: boolean): Followed {
    const followed: Followed = { id, isUser, logins: 0, members: [], versions: [], told: [] };
    (isUser ? window.users : window.devices).set(id, followed);
    this.#add(isUser, 1);
    return followed;
  }

  #changed(window: AlertWindow, followed: Followed): void {
    window.changed.add(followed);
    const isDue = ALERTS.some(
      (alert) => !followed.told.includes(alert) && alertCount(alert, followed, this.#rules) !== undefined,
    );
    if (isDue) window.due.add(followed);
  }

  #add(isUser: boolean, count: number): void {
    if (isUser) this.#users += count;
    else this.#devices += count;
  }

  #close(window: AlertWindow): void {
    this.#gone.push(...window.journal.keys());
    this.#windows.delete(window.startMs);
    this.#users -= window.users.size;
    this.#devices -= window.devices.size;
  }

  #alertsOf({ startMs }: AlertWindow, followed: Followed, isClosing: boolean, nowMs: number): LoginAlert[] {
    return ALERTS.flatMap((alert) => {
      const count = alertCount(alert, followed, this.#rules);
      if (count === undefined) return [];
      const members =
        alert === 'BURST' ? [] : alert === 'IMPOSSIBLE_VERSION' ? versionsOf(followed) : followed.members;
      return [
        {
          kind: 'alert' as const,
          alert,
          start: isoSeconds(startMs),
          end: isoSeconds(startMs + this.#rules.windowMs),
          subject: followed.id,
          count,
          members: members.slice(0, MEMBERS_TOLD),
          status: isClosing ? ('closed' as const) : ('open' as const),
          emittedAt: new Date(nowMs).toISOString(),
        },
      ];
    });
  }
}

/** How many there are of what the alert is about; undefined when that is nothing to tell. */
export function alertCount(alert: AlertKind, followed: Followed, rules: AlertRules): number | undefined {
  const { isUser, members, logins, versions } = followed;
  const from = (count: number, threshold: number): number | undefined =>
    count >= threshold ? count : undefined;
  switch (alert) {
    case 'SHARED_DEVICE':
      return isUser ? undefined : from(members.length, rules.sharedDeviceUsers);
    case 'DEVICE_HOPPING':
      return isUser ? from(members.length, rules.hoppingDevices) : undefined;
    case 'BURST':
      return isUser ? from(logins, rules.burstLogins) : undefined;
    case 'IMPOSSIBLE_VERSION': {
      const { newestVersion } = rules;
      const isAbove =
        newestVersion !== undefined && versions.some(([version]) => isNewer(version, newestVersion));
      return isAbove || goesBack(versions) ? versions.length : undefined;
    }
  }
}

/** Whether some version was seen before a lower one was: however the logins came in. */
const goesBack = (versions: readonly VersionSpan[]): boolean =>
  versions.some(([higher, firstMs]) =>
    versions.some(([lower, , lastMs]) => firstMs < lastMs && isNewer(higher, lower)),
  );

function isNewer(version: string, than: string): boolean {
  const [a, b] = [version.split('.').map(Number), than.split('.').map(Number)];
  const differs = a.findIndex((part, i) => part !== b[i]);
  return differs >= 0 && a[differs]! > b[differs]!;
}

function see(followed: Followed, member: string): void {
  followed.logins += 1;
  const { members } = followed;
  if (members.length < MAX_MEMBERS && !members.includes(member)) members.push(member);
}

function seeVersion(versions: VersionSpan[], version: string, atMs: number): void {
  const span = versions.find(([known]) => known === version);
  if (span === undefined) {
    if (versions.length < MAX_VERSIONS) versions.push([version, atMs, atMs]);
    return;
  }
  span[1] = Math.min(span[1], atMs);
  span[2] = Math.max(span[2], atMs);
}

/** In order of first sight. */
const versionsOf = ({ versions }: Followed): string[] =>
  [...versions].sort((a, b) => a[1] - b[1]).map(([version]) => version);

/** About how many bytes of JSON. */
const sizeOf = ({ id, members, versions }: Followed): number =>
  members.reduce((sum, member) => sum + 2 * member.length + 3, 2 * id.length + 40) + 64 * versions.length;

const toStored = ({ id, isUser, logins, members, versions, told }: Followed): StoredFollowed => [
  id,
  isUser ? 1 : 0,
  logins,
  members,
  versions,
  told,
];
