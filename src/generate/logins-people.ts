import { spread, type Random } from './random.js';

/** A login as the sender would write it if nothing were wrong with it, member by member in this order. */
export interface LoginFields {
  user_id: unknown;
  app_version: unknown;
  device_type: unknown;
  ip: unknown;
  locale: unknown;
  device_id: unknown;
  timestamp: unknown;
}

/** A login once it is cleaned. */
export interface CleanFields {
  readonly user_id: string;
  readonly app_version: string;
  readonly device_type: string;
  /** The last octet, or all behind the first 48 bits, is zero. */
  readonly ip: string;
  readonly locale: string;
  readonly device_id: string;
  readonly tsMs: number;
}

export interface Device {
  readonly id: string;
  readonly type: string;
  readonly version: string;
}

/** How senders write each device type. */
const TYPE_FORMS: Readonly<Record<string, readonly string[]>> = {
  android: ['android', 'android', 'android', 'Android', ' ANDROID '],
  ios: ['ios', 'ios', 'iOS', 'iPhone', 'iPad', ' iphone'],
  web: ['web', 'web', 'Web', 'WEB '],
};
const TYPES = ['android', 'android', 'android', 'ios', 'ios', 'web'] as const;
const VERSIONS = ['2.3.0', '2.3.0', '2.3.0', '2.2.9', '2.10.1', '1.9.14', '3.0.0', '3.0.0'] as const;
const LOCALES = ['RU', 'US', 'DE', 'FR', 'BR', 'JP', 'IN', 'EN-US', 'PT-BR', 'FR-CA'] as const;

/** Distinct for distinct numbers below 2^32; it looks random and is not. */
export function userId(seed: number, person: number): string {
  const salt = spread(seed ^ 0x6c6f67);
  const [a, b] = [hex(spread(person ^ salt)), hex(spread(person + 1 + spread(salt)))];
  const [c, d] = [hex(spread(person ^ 0x5bd1e995)), hex(spread(~person))];
  return `${a}-${b.slice(0, 4)}-4${b.slice(4, 7)}-a${c.slice(0, 3)}-${c.slice(3)}${d.slice(1)}`;
}

const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const hex = (value: number): string =>
  BYTES[value >>> 24]! + BYTES[(value >>> 16) & 0xff]! + BYTES[(value >>> 8) & 0xff]! + BYTES[value & 0xff]!;

/** Coprime with 10^9, and small enough for exact products. */
const DEVICE_STRIDE = 7_654_321;

/** Nine digits in groups, distinct for distinct numbers below 10^9. */
function deviceId(number: number): string {
  const digits = String((number * DEVICE_STRIDE) % 1_000_000_000).padStart(9, '0');
  return `${digits.slice(0, 3)}-${digits.slice(3, 5)}-${digits.slice(5)}`;
}

/** The devices of a person: the first or the second. What a device is never changes. */
export function deviceOf(seed: number, person: number, which: 0 | 1): Device {
  const number = person * 2 + which;
  const chance = spread(number ^ spread(seed)) >>> 0;
  return {
    id: deviceId(number),
    type: TYPES[chance % TYPES.length]!,
    version: VERSIONS[(chance >>> 8) % VERSIONS.length]!,
  };
}

/** About every third person has two devices. */
export const hasTwoDevices = (person: number): boolean => (spread(person ^ 0x3243f6a8) >>> 0) % 3 === 0;

const localeOf = (person: number): string => LOCALES[(spread(person ^ 0x2b7e1516) >>> 0) % LOCALES.length]!;

/** One login of a person, `id` is the person's: what is sent, in one of the ways senders write it, and what it is once cleaned. */
export function loginOf(
  random: Random,
  { id, person }: { readonly id: string; readonly person: number },
  device: Device,
  atMs: number,
  precision: 'any' | 'ms' = 'any',
): { fields: LoginFields; clean: CleanFields } {
  const locale = localeOf(person);
  const { timestamp, tsMs } = timestampOf(random, atMs, precision);
  const ip = addressOf(random);
  return {
    fields: {
      user_id: random.chance(0.05) ? id.toUpperCase() : id,
      app_version: device.version,
      device_type: random.pick(TYPE_FORMS[device.type]!),
      ip: ip.full,
      locale: localeForm(random, locale),
      device_id: device.id,
      timestamp,
    },
    clean: {
      user_id: id,
      app_version: device.version,
      device_type: device.type,
      ip: ip.masked,
      locale,
      device_id: device.id,
      tsMs,
    },
  };
}

function localeForm(random: Random, locale: string): string {
  switch (random.int(0, 4)) {
    case 0:
      return locale.toLowerCase();
    case 1:
      return locale.replace('-', '_');
    default:
      return locale;
  }
}

/** Mostly a text of unix seconds; also a number, and milliseconds. Seconds cut the instant off. */
function timestampOf(
  random: Random,
  atMs: number,
  precision: 'any' | 'ms',
): { timestamp: string | number; tsMs: number } {
  const form = random.int(0, precision === 'ms' ? 2 : 10);
  const seconds = Math.floor(atMs / 1_000);
  if (form === 0) return { timestamp: atMs, tsMs: atMs };
  if (form === 1) return { timestamp: String(atMs), tsMs: atMs };
  return { timestamp: form === 2 ? seconds : String(seconds), tsMs: seconds * 1_000 };
}

function addressOf(random: Random): { full: string; masked: string } {
  if (random.chance(0.1)) {
    const site = `2001:${(0x1000 + random.int(0, 0xe000)).toString(16)}:${(0x1000 + random.int(0, 0xe000)).toString(16)}`;
    return { full: `${site}:0:0:0:0:${random.int(1, 0xffff).toString(16)}`, masked: `${site}::` };
  }
  const net = `${random.int(1, 224)}.${random.int(0, 256)}.${random.int(0, 256)}`;
  return { full: `${net}.${random.int(1, 256)}`, masked: `${net}.0` };
}
