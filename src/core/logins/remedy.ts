import { compileFilter, type Filter } from '../filter.js';
import type { OpenedDeadLetter } from '../dead-letter.js';
import type { Remedy } from '../redrive.js';
import { cleanLogin, judge, type CleanLogin } from './judge.js';
import { LOGIN_RULES, type LoginRules } from './rules.js';

/**
 * What today's rules make of a login that is a dead letter; `filter` is the job's. What depends on other messages
 * (duplicates, lateness) is not asked again. @throws PipelineError `BAD_SELECTION` for a filter that is no expression.
 */
export function loginRemedy(rules: LoginRules = LOGIN_RULES, filter?: string): Remedy {
  const select = filter === undefined ? undefined : compileFilter({ filter });
  return (bytes, opened) => {
    const judgement = judge(bytes, rules);
    if (judgement.outcome !== 'valid') return { outcome: judgement.outcome, reason: judgement.reason };
    const clean = cleanLogin(judgement.login);
    const verdict = select === undefined ? 'selected' : verdictOf(select, clean, opened);
    if (verdict === 'filtered') return { outcome: 'filtered', reason: 'FILTERED' };
    if (verdict !== 'selected') return { outcome: 'dlq', reason: 'FILTER_UNDECIDED' };
    return { outcome: 'clean', key: Buffer.from(clean.user_id), value: Buffer.from(JSON.stringify(clean)) };
  };
}

/** The record as the filter saw it in the source. */
const verdictOf = (select: Filter, clean: CleanLogin, { letter, original }: OpenedDeadLetter) =>
  select({
    timestampMs: letter.source.timestampMs,
    partition: letter.source.partition,
    offset: letter.source.offset,
    keyText: () => clean.user_id,
    valueText: () => JSON.stringify(clean),
    headers: () => new Map(original.map(({ name, value }) => [name, value?.toString('utf8') ?? null])),
  });
