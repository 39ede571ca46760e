import type { AlertAnswer, LoginAnswer, WindowAnswer } from '../../../src/generate/logins-answer.js';
import type { LoginMessage } from '../../../src/generate/logins.js';
import type { CleanFields } from '../../../src/generate/logins-people.js';

type Said = { outcome: 'clean'; record: CleanFields } | { outcome: 'dlq' | 'filtered'; reason: string };

interface Rules {
  readonly partitions: number;
  readonly latenessS: number;
}

/**
 * Reads messages with rules as plain as can be, everything in memory, whatever the generator thinks of them: the answer it
 * must have come to, and the record of every message that is clean, by its index.
 */
export function readLogins(
  messages: readonly LoginMessage[],
  rules: Rules,
): { answers: LoginAnswer[]; records: Record<number, CleanFields> } {
  const readers = Array.from({ length: rules.partitions }, () => partitionReader(rules));
  const said = messages.map(({ partition, value }) => readers[partition]!(value));
  const records: Record<number, CleanFields> = {};
  for (const [index, one] of said.entries()) if (one.outcome === 'clean') records[index] = one.record;
  const partitions = readers.map((_, partition): LoginAnswer => {
    const own = said.filter((_one, index) => messages[index]!.partition === partition);
    const by = (outcome: 'dlq' | 'filtered'): Record<string, number> => {
      const reasons = own.flatMap((one) => (one.outcome === outcome ? [one.reason] : []));
      return Object.fromEntries(
        [...grouped(reasons, (reason) => reason)].map(([reason, all]) => [reason, all.length]),
      );
    };
    const clean = own.filter(({ outcome }) => outcome === 'clean').length;
    return {
      type: 'partition',
      partition,
      read: own.length,
      clean,
      dlq: by('dlq'),
      filtered: by('filtered'),
    };
  });
  const clean = Object.values(records);
  return { answers: [...windowsOf(clean), ...alertsOf(clean), ...partitions], records };
}

function grouped<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item));
    if (group === undefined) groups.set(nameOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function partitionReader({ latenessS }: Rules): (value: Buffer | null) => Said {
  const seen = new Set<string>();
  const times: number[] = [];
  let greatestMedianMs = Number.NEGATIVE_INFINITY;
  return (value) => {
    const one = readOne(value);
    if (one.outcome !== 'clean') return one;
    const { tsMs, user_id, device_id } = one.record;
    times.push(tsMs);
    if (times.length >= 101) {
      const median = times.slice(-101).sort((a, b) => a - b)[50]!;
      greatestMedianMs = Math.max(greatestMedianMs, median);
    }
    if (tsMs < greatestMedianMs - latenessS * 1_000) return { outcome: 'dlq', reason: 'TOO_LATE' };
    const identity = `${user_id} ${device_id} ${tsMs}`;
    if (seen.has(identity)) return { outcome: 'filtered', reason: 'DUPLICATE' };
    seen.add(identity);
    return one;
  };
}

const bad = (reason: string): Said => ({ outcome: 'dlq', reason });

function readOne(value: Buffer | null): Said {
  if (value === null) return { outcome: 'filtered', reason: 'TOMBSTONE' };
  if (!Buffer.from(value.toString('utf8')).equals(value)) return bad('INVALID_UTF8');
  let json: unknown;
  try {
    json = JSON.parse(value.toString('utf8'));
  } catch {
    return bad('INVALID_JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return bad('NOT_AN_OBJECT');
  return readFields(json as Record<string, unknown>);
}

function readFields(json: Record<string, unknown>): Said {
  for (const name of ['user_id', 'app_version', 'device_type', 'ip', 'locale', 'device_id', 'timestamp']) {
    if (json[name] === undefined || json[name] === null || json[name] === '')
      return bad(`MISSING_${name.toUpperCase()}`);
  }
  const text = (name: string, pattern: RegExp): string | undefined => {
    const value = json[name];
    return typeof value === 'string' && pattern.test(value) ? value : undefined;
  };
  const userId = text('user_id', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)?.toLowerCase();
  if (userId === undefined) return bad('INVALID_USER_ID');
  const version = text('app_version', /^\d+\.\d+\.\d+$/);
  if (version === undefined) return bad('INVALID_APP_VERSION');
  if (typeof json.device_type !== 'string') return bad('INVALID_DEVICE_TYPE');
  const type = json.device_type
    .trim()
    .toLowerCase()
    .replace(/^(iphone|ipad)$/, 'ios');
  if (!['android', 'ios', 'web'].includes(type)) return bad('UNKNOWN_DEVICE_TYPE');
  const ip = maskedAddress(json.ip);
  if (ip === undefined) return bad('INVALID_IP');
  const locale = text('locale', /^[a-z]{2}([-_][a-z]{2})?$/i)
    ?.toUpperCase()
    .replace('_', '-');
  if (locale === undefined) return bad('INVALID_LOCALE');
  const deviceId = text('device_id', /^[\x20-\x7e]{1,64}$/);
  if (deviceId === undefined) return bad('INVALID_DEVICE_ID');
  const tsMs = instant(json.timestamp);
  if (tsMs === undefined) return bad('INVALID_TIMESTAMP');
  const record = {
    user_id: userId,
    app_version: version,
    device_type: type,
    ip,
    locale,
    device_id: deviceId,
    tsMs,
  };
  return { outcome: 'clean', record };
}

function maskedAddress(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const octets = value.split('.');
  if (octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256))
    return `${octets.slice(0, 3).join('.')}.0`;
  const groups = value.split(':');
  if (groups.length === 8 && groups.every((group) => /^[0-9a-f]{1,4}$/.test(group)))
    return `${groups.slice(0, 3).join(':')}::`;
  return undefined;
}

function instant(value: unknown): number | undefined {
  if (typeof value !== 'number' && !(typeof value === 'string' && /^\d+$/.test(value))) return undefined;
  const number = Number(value);
  const ms = number > 1e11 ? number : number * 1_000;
  return ms >= Date.UTC(2000, 0) && ms < Date.UTC(2100, 0) ? ms : undefined;
}

const window = (ms: number, lengthMs: number): { start: string; end: string } => {
  const startMs = ms - (ms % lengthMs);
  return { start: new Date(startMs).toISOString(), end: new Date(startMs + lengthMs).toISOString() };
};

function windowsOf(records: readonly CleanFields[]): WindowAnswer[] {
  const rows = records.flatMap(({ tsMs, user_id, device_type, app_version, locale }) => {
    const at = { type: 'window' as const, ...window(tsMs, 60_000) };
    return [
      { at: { ...at, dimension: 'all' as const, value: '' }, user_id },
      { at: { ...at, dimension: 'device_type' as const, value: device_type }, user_id },
      { at: { ...at, dimension: 'app_version' as const, value: app_version }, user_id },
      { at: { ...at, dimension: 'locale' as const, value: locale }, user_id },
    ];
  });
  return [...grouped(rows, ({ at }) => JSON.stringify(at)).values()].map((group) => ({
    ...group[0]!.at,
    logins: group.length,
    users: new Set(group.map(({ user_id }) => user_id)).size,
  }));
}

/** Over every user and device there is, not only those that the generator meant. */
function alertsOf(records: readonly CleanFields[]): AlertAnswer[] {
  const alerts: AlertAnswer[] = [];
  for (const [start, inWindow] of grouped(records, ({ tsMs }) => window(tsMs, 600_000).start)) {
    const end = new Date(Date.parse(start) + 600_000).toISOString();
    const alert = (kind: AlertAnswer['kind'], subject: string, count: number, threshold: number): void => {
      if (count >= threshold) alerts.push({ type: 'alert', kind, start, end, subject, count });
    };
    for (const [user, own] of grouped(inWindow, ({ user_id }) => user_id)) {
      alert('BURST', user, own.length, 20);
      alert('DEVICE_HOPPING', user, new Set(own.map(({ device_id }) => device_id)).size, 5);
    }
    for (const [device, own] of grouped(inWindow, ({ device_id }) => device_id)) {
      alert('SHARED_DEVICE', device, new Set(own.map(({ user_id }) => user_id)).size, 5);
      const numbers = own.map(({ app_version }) =>
        app_version.split('.').reduce((sum, part) => sum * 1_000 + Number(part), 0),
      );
      const isBack = numbers.some((number, index) => index > 0 && number < numbers[index - 1]!);
      if (isBack) alert('IMPOSSIBLE_VERSION', device, new Set(numbers).size, 2);
    }
  }
  return alerts;
}
