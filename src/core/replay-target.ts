/**
 * What topic B does to records that are copied into it. Kafka deletes, refuses or overwrites by the topic's settings, and
 * says nothing when it deletes: so the settings are looked at before the first record is written.
 */

/** Settings of a topic, by their names in Kafka: times in ms, sizes in bytes, -1 for unlimited. */
export interface TargetLimits {
  readonly cleanupPolicy: string;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly timestampType: string;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  readonly maxMessageBytes: number;
  readonly minInsyncReplicas: number;
  readonly replicationFactor: number;
}

/** From what DescribeConfigs answers; an absent setting counts as unlimited. */
export function targetLimits(
  config: Readonly<Record<string, string>>,
  replicationFactor: number,
): TargetLimits {
  const number = (name: string, otherwise: number): number => Number(config[name] ?? otherwise);
  return {
    cleanupPolicy: config['cleanup.policy'] ?? 'delete',
    retentionMs: number('retention.ms', -1),
    retentionBytes: number('retention.bytes', -1),
    timestampType: config['message.timestamp.type'] ?? 'CreateTime',
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms', Number.MAX_SAFE_INTEGER),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms', Number.MAX_SAFE_INTEGER),
    maxMessageBytes: number('max.message.bytes', 1_048_588),
    minInsyncReplicas: number('min.insync.replicas', 1),
    replicationFactor,
  };
}

export interface TargetUse {
  readonly timestamps: 'keep' | 'now';
  /** Of the records' own timestamps, where the selection bounds them. */
  readonly window?: { readonly fromMs: number; readonly toMs: number } | undefined;
  /** Settings whose effect is accepted. */
  readonly accept: readonly string[];
  readonly nowMs: number;
}

/** A setting of B and what it would do. */
export interface TargetFault {
  readonly setting: string;
  readonly effect: string;
}

/** Every setting of B that would delete, refuse or overwrite what is written, unless accepted. */
export function targetFaults(limits: TargetLimits, use: TargetUse): TargetFault[] {
  const { timestamps, window, accept, nowMs } = use;
  const faults: TargetFault[] = [];
  const add = (setting: string, effect: string): void => {
    if (!accept.includes(setting)) faults.push({ setting, effect });
  };
  if (limits.cleanupPolicy.includes('compact')) {
    add('cleanup.policy', `${limits.cleanupPolicy}: B would keep only the newest record of a key`);
  }
  if (limits.minInsyncReplicas > limits.replicationFactor) {
    add(
      'min.insync.replicas',
      `${limits.minInsyncReplicas}: B has only ${limits.replicationFactor} replicas`,
    );
  }
  if (limits.cleanupPolicy.includes('delete') && limits.retentionBytes >= 0) {
    add('retention.bytes', `${limits.retentionBytes}: B would delete old segments`);
  }
  if (timestamps === 'now') return faults;
  if (limits.timestampType !== 'CreateTime') {
    add('message.timestamp.type', `${limits.timestampType}: B would overwrite the records' timestamps`);
  }
  if (window === undefined) return faults;
  for (const { setting, fromMs, toMs } of timeBounds(limits, nowMs)) {
    if (window.fromMs < fromMs) add(setting, `the window begins before ${iso(fromMs)}`);
    // A window may well end in the future while its records do not: those are looked at one by one.
    if (window.fromMs >= toMs) add(setting, `the window begins after ${iso(toMs)}`);
  }
  return faults;
}

export interface TimeBound {
  readonly setting: string;
  /** Timestamps of `[fromMs, toMs)` are kept. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** The timestamps B keeps, by the setting that says so. A record of an earlier time is deleted or refused. */
export function timeBounds(limits: TargetLimits, nowMs: number): TimeBound[] {
  const bounds: TimeBound[] = [];
  const { retentionMs, timestampBeforeMaxMs, timestampAfterMaxMs } = limits;
  if (limits.timestampType !== 'CreateTime') return bounds;
  if (limits.cleanupPolicy.includes('delete') && retentionMs >= 0) {
    bounds.push({ setting: 'retention.ms', fromMs: nowMs - retentionMs, toMs: Infinity });
  }
  // Kafka's default is Long.MAX_VALUE, which no instant reaches.
  if (timestampBeforeMaxMs < nowMs) {
    bounds.push({
      setting: 'message.timestamp.before.max.ms',
      fromMs: nowMs - timestampBeforeMaxMs,
      toMs: Infinity,
    });
  }
  bounds.push({
    setting: 'message.timestamp.after.max.ms',
    fromMs: -Infinity,
    toMs: nowMs + timestampAfterMaxMs,
  });
  return bounds;
}

const LAST_INSTANT_MS = 8.64e15;
const iso = (ms: number): string => new Date(Math.min(ms, LAST_INSTANT_MS)).toISOString();
