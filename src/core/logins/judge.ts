import type { DeadLetterStage } from '../dead-letter.js';
import {
  LOGIN_RULES,
  type AppVersion,
  type FieldRule,
  type LoginField,
  type LoginFields,
  type LoginRules,
} from './rules.js';

/**
 * What a message is by itself, from its bytes alone: no state, no clock, the same today and when it is looked at again among
 * the dead letters. Any bytes have an answer. What depends on other messages (duplicates, lateness) is in partition.ts.
 */
export type Judgement =
  | { readonly outcome: 'valid'; readonly login: LoginFields }
  | { readonly outcome: 'filtered'; readonly reason: 'TOMBSTONE' }
  | DeadJudgement;

export interface DeadJudgement {
  readonly outcome: 'dlq';
  readonly stage: DeadLetterStage;
  readonly reason: string;
  /** All that failed, in the rules' order, the reason first. */
  readonly reasons: readonly [string, ...string[]];
}

const TOMBSTONE: Judgement = { outcome: 'filtered', reason: 'TOMBSTONE' };
/** Also takes a byte order mark away. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** `bytes`: the message's value, null for a tombstone. */
export function judge(bytes: Uint8Array | null, rules: LoginRules = LOGIN_RULES): Judgement {
  if (bytes === null) return TOMBSTONE;
  const text = decode(bytes);
  if (text === undefined) return unparsed('INVALID_UTF8');
  const json = parse(text);
  if (json === undefined) return unparsed('INVALID_JSON');
  const value = json.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return unparsed('NOT_AN_OBJECT');
  return validate(value as Readonly<Record<string, unknown>>, rules);
}

const unparsed = (reason: string): DeadJudgement => ({
  outcome: 'dlq',
  stage: 'parse',
  reason,
  reasons: [reason],
});

function decode(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined; // its only error here: not UTF-8
  }
}

/** Undefined when it is no JSON; what it cannot hold in memory ends here as well. */
function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

function validate(message: Readonly<Record<string, unknown>>, rules: LoginRules): Judgement {
  const reasons: string[] = [];
  const fields: Partial<Record<LoginField, unknown>> = {};
  for (const [field, fieldRule] of Object.entries(rules) as [LoginField, FieldRule<unknown>][]) {
    const value = message[field];
    if (value === undefined || value === null || value === '') {
      reasons.push(fieldRule.missing);
      continue;
    }
    const checked = fieldRule.schema.safeParse(value);
    if (checked.success) fields[field] = checked.data;
    else reasons.push(...codes(fieldRule, checked.error.issues));
  }
  const [reason, ...others] = reasons;
  if (reason === undefined) return { outcome: 'valid', login: fields as unknown as LoginFields };
  return { outcome: 'dlq', stage: 'validate', reason, reasons: [reason, ...others] };
}

const CODE = /^[A-Z][A-Z0-9_]*$/;

/** Each code once. */
function codes(fieldRule: FieldRule<unknown>, issues: readonly { readonly message: string }[]): string[] {
  return [...new Set(issues.map(({ message }) => (CODE.test(message) ? message : fieldRule.invalid)))];
}

/** The record of `user-login.clean`, whose key is `user_id`. */
export interface CleanLogin {
  readonly user_id: string;
  readonly app_version: string;
  readonly version: AppVersion;
  readonly device_type: string;
  readonly ip: string;
  readonly locale: string;
  readonly device_id: string;
  /** ISO 8601, UTC, with milliseconds. */
  readonly ts: string;
}

export const versionText = ({ major, minor, patch }: AppVersion): string => `${major}.${minor}.${patch}`;

export const cleanLogin = (login: LoginFields): CleanLogin => ({
  user_id: login.user_id,
  app_version: versionText(login.app_version),
  version: login.app_version,
  device_type: login.device_type,
  ip: login.ip,
  locale: login.locale,
  device_id: login.device_id,
  ts: new Date(login.timestamp).toISOString(),
});
