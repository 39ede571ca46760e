import { z } from 'zod';
import { maskIp } from './ip.js';

/**
 * What a login must be, and what becomes of it: the one place. Each field has a schema that checks and transforms at once;
 * docs/logins.md has the table in words.
 */

export const DEVICE_TYPES = ['android', 'ios', 'web'] as const;
export type DeviceType = (typeof DEVICE_TYPES)[number];

export interface AppVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** The fields of a login after their rules; the record of `user-login.clean` is made of them. */
export interface LoginFields {
  /** Lower case. */
  readonly user_id: string;
  readonly app_version: AppVersion;
  readonly device_type: DeviceType;
  /** Without its host part. */
  readonly ip: string;
  /** `RU` or `EN-US`. */
  readonly locale: string;
  readonly device_id: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
}

export type LoginField = keyof LoginFields;

export interface FieldRule<T> {
  /** Reason when the field is absent, null or empty text. */
  readonly missing: string;
  /** Reason when the schema refuses it, unless the schema names its own: an issue whose message is a code. */
  readonly invalid: string;
  readonly schema: z.ZodType<T>;
}

/** In the order in which reasons are given: the first that fails is *the* reason. */
export type LoginRules = { readonly [Field in LoginField]: FieldRule<LoginFields[Field]> };

const rule = <T>(field: LoginField, schema: z.ZodType<T>): FieldRule<T> => ({
  missing: `MISSING_${field.toUpperCase()}`,
  invalid: `INVALID_${field.toUpperCase()}`,
  schema,
});

/** Nine digits: no store of whole numbers fails on them. No leading zeros, as in https://semver.org. */
const VERSION = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/;

/** A language or country of two letters (ISO 639-1, ISO 3166-1), with a region (also UN M.49) or without. */
const LOCALE = /^[a-z]{2}(?:[-_](?:[a-z]{2}|\d{3}))?$/i;

/** 1 to 64 characters, none of them a control, formatting or line separating one or half a surrogate pair; not only spaces. */
const DEVICE_ID = /^(?=.*\S)[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,64}$/u;

const SYNONYMS: Readonly<Record<string, DeviceType>> = { iphone: 'ios', ipad: 'ios', ipod: 'ios' };

/** Names that are no device type stay as they are, for the next rule to refuse. */
function normalisedDeviceType(text: string): string {
  const name = text.replaceAll(/\s/g, '').toLowerCase();
  return Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name]! : name;
}

/** Below this a number is seconds (the year 5138), from it on milliseconds (1973). */
const SECONDS_BELOW = 1e11;
/** Instants `[FROM_MS, TO_MS)`: the years 2000 to 2099. */
const FROM_MS = Date.UTC(2000, 0);
const TO_MS = Date.UTC(2100, 0);

const numberOf = (value: string | number): number => {
  if (typeof value === 'number') return value;
  return /^\d{1,16}(\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN;
};

const toEpochMs = (value: string | number): number => {
  const number = numberOf(value);
  return number < SECONDS_BELOW ? Math.round(number * 1_000) : Math.floor(number);
};

export const LOGIN_RULES: LoginRules = {
  user_id: rule(
    'user_id',
    z.guid().transform((text) => text.toLowerCase()),
  ),
  app_version: rule(
    'app_version',
    z
      .string()
      .regex(VERSION)
      .transform((text) => {
        const [major, minor, patch] = text.split('.').map(Number);
        return { major: major!, minor: minor!, patch: patch! };
      }),
  ),
  device_type: rule(
    'device_type',
    z
      .string()
      .transform(normalisedDeviceType)
      .pipe(z.enum(DEVICE_TYPES, { error: 'UNKNOWN_DEVICE_TYPE' })),
  ),
  ip: rule('ip', z.string().transform(maskIp).pipe(z.string())),
  locale: rule(
    'locale',
    z
      .string()
      .regex(LOCALE)
      .transform((text) => text.replace('_', '-').toUpperCase()),
  ),
  device_id: rule('device_id', z.string().regex(DEVICE_ID)),
  timestamp: rule(
    'timestamp',
    z.union([z.string(), z.number()]).transform(toEpochMs).pipe(z.number().gte(FROM_MS).lt(TO_MS)),
  ),
};
