import { hash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.js';

/** The content of a payload in 16 hexadecimal digits: equal whatever the order of members. */
export const payloadDigest = (payload: unknown): string =>
  hash('sha256', canonicalJson(payload), 'hex').slice(0, 16);
