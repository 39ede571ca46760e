import type { Remedy } from '../redrive.js';
import { cleanLogin, judge } from './judge.js';
import { LOGIN_RULES, type LoginRules } from './rules.js';

/** Today's rules for logins that are dead letters. What depends on other messages (duplicates) is not asked again. */
export function loginRemedy(rules: LoginRules = LOGIN_RULES): Remedy {
  return (bytes) => {
    const judgement = judge(bytes, rules);
    if (judgement.outcome !== 'valid') return { outcome: judgement.outcome, reason: judgement.reason };
    const clean = cleanLogin(judgement.login);
    return { outcome: 'clean', key: Buffer.from(clean.user_id), value: Buffer.from(JSON.stringify(clean)) };
  };
}
