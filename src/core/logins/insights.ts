import type { ResultStatus } from '../result-status.js';

/** Records of `user-login.insights`, plain JSON; `kind` tells them apart. Times are ISO 8601, windows `[start, end)`. */

export const DIMENSIONS = ['all', 'device_type', 'app_version', 'locale'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Logins and unique users of one window, in all or by one value of one dimension. */
export interface LoginWindow {
  readonly kind: 'window';
  readonly start: string;
  readonly end: string;
  readonly dimension: Dimension;
  /** Empty for `all`; `(other)` for what came when there were too many values. */
  readonly value: string;
  readonly logins: number;
  readonly users: number;
  /** Relative standard error of `users`; 0 while it is exact. */
  readonly error: number;
  readonly status: ResultStatus;
  /** 0 until late logins change a final result, then 1, 2, ... */
  readonly revision: number;
  readonly emittedAt: string;
}

/**
 * `SHARED_DEVICE`: many users on a device; `DEVICE_HOPPING`: many devices of a user; `BURST`: many logins of a user;
 * `IMPOSSIBLE_VERSION`: an app that got older, or is newer than the newest.
 */
export const ALERTS = ['SHARED_DEVICE', 'DEVICE_HOPPING', 'BURST', 'IMPOSSIBLE_VERSION'] as const;
export type AlertKind = (typeof ALERTS)[number];

export interface LoginAlert {
  readonly kind: 'alert';
  readonly alert: AlertKind;
  readonly start: string;
  readonly end: string;
  /** A user id, or a device id for `SHARED_DEVICE` and `IMPOSSIBLE_VERSION`. */
  readonly subject: string;
  /** Users, devices, logins or versions so far. */
  readonly count: number;
  /** The versions seen, of `IMPOSSIBLE_VERSION`; some of the users or devices, of the first two. */
  readonly members: readonly string[];
  /** `closed`: its window is over, and this is the last record of it. */
  readonly status: 'open' | 'closed';
  readonly emittedAt: string;
}

/** `read = clean + dlq + filtered` of one source partition: of the messages of `[startOffset, offset)`. */
export interface LoginIdentity {
  readonly kind: 'identity';
  readonly partition: number;
  readonly startOffset: number;
  readonly offset: number;
  readonly read: number;
  readonly clean: number;
  readonly dlq: number;
  readonly filtered: number;
  readonly dlqReasons: Readonly<Record<string, number>>;
  readonly filteredReasons: Readonly<Record<string, number>>;
  readonly emittedAt: string;
}

/** How full the memory of the merge stage is, and what found no place in it any more. */
export interface InsightState {
  readonly kind: 'state';
  readonly counts: MergeCounts;
  readonly emittedAt: string;
}

export interface MergeCounts {
  /** Clean logins taken in. */
  readonly logins: number;
  /** Users and devices that are followed in the windows open now. */
  readonly users: number;
  readonly devices: number;
  readonly openWindows: number;
  /** Logins whose user, or device, was not followed because the cap was reached. */
  readonly overflowUsers: number;
  readonly overflowDevices: number;
  /** Logins counted under `(other)` because a window had too many values of a dimension. */
  readonly overflowValues: number;
  /** Logins that came when their window had left memory: their partition had been idle. */
  readonly afterClose: number;
  /** Logins that came in time to be counted, but too late for alerts. */
  readonly lateForAlerts: number;
}

export type LoginInsight = LoginWindow | LoginAlert | LoginIdentity | InsightState;

/** Key in Kafka, so that a compacted topic keeps the newest of each. */
export function insightKey(insight: LoginInsight): string {
  switch (insight.kind) {
    case 'window':
      return `window/${insight.start}/${insight.dimension}/${insight.value}`;
    case 'alert':
      return `alert/${insight.start}/${insight.alert}/${insight.subject}`;
    case 'identity':
      return `identity/${insight.partition}`;
    case 'state':
      return 'state';
  }
}
