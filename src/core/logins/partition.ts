import { judge, type DeadJudgement } from './judge.js';
import { LoginTime, type PartitionTimeState } from './partition-time.js';
import { RecentLogins } from './recent-logins.js';
import { LOGIN_RULES, type LoginFields, type LoginRules } from './rules.js';
import { newTally, raise, type FilteredReason, type PartitionTally } from './tally.js';
import { jsonRecord, readJson, type StateRecord } from '../uniques-state.js';

/** What became of a message: exactly one of three. */
export type LoginOutcome =
  | { readonly outcome: 'clean'; readonly login: LoginFields }
  | DeadJudgement
  | { readonly outcome: 'filtered'; readonly reason: FilteredReason };

/** What a filter says of a login that nothing else refuses; `undecided`: the expression has no answer. */
export type FilterVerdict = 'selected' | 'filtered' | 'undecided';

export interface PartitionRules {
  readonly latenessMs: number;
  /** What a login must be; today's rules unless said otherwise. */
  readonly rules?: LoginRules;
}

interface StoredPartition extends PartitionTimeState {
  readonly accepted: number;
}

const TIME_PREFIX = 'time/';
const RECENT_PREFIX = 'recent/';
const dead = (stage: DeadJudgement['stage'], reason: string): DeadJudgement => ({
  outcome: 'dlq',
  stage,
  reason,
  reasons: [reason],
});
const TOO_LATE = dead('late', 'TOO_LATE');
const UNDECIDED = dead('transform', 'FILTER_UNDECIDED');
const DUPLICATE: LoginOutcome = { outcome: 'filtered', reason: 'DUPLICATE' };
const FILTERED: LoginOutcome = { outcome: 'filtered', reason: 'FILTERED' };

/**
 * One source partition: decides on each of its messages, in offset order, and at once. What it decides depends on that
 * partition's earlier messages alone, so that restarts and slicing change nothing.
 */
export class LoginPartition {
  tally: PartitionTally;
  time = new LoginTime();
  isDirty = false;
  readonly #rules: PartitionRules;
  #recent = new RecentLogins();

  constructor(partition: number, startOffset: number, rules: PartitionRules) {
    this.tally = newTally(partition, startOffset);
    this.#rules = rules;
  }

  /** Decides on the message at `offset`, whose value is `bytes`; `filter` is asked of what would be clean. */
  take(
    offset: number,
    bytes: Uint8Array | null,
    filter?: (login: LoginFields) => FilterVerdict,
  ): LoginOutcome {
    const { tally } = this;
    const outcome = this.#decide(bytes, filter);
    this.isDirty = true;
    this.time.reading = 'reading';
    tally.read += 1;
    tally.offset = offset + 1;
    tally[outcome.outcome] += 1;
    if (outcome.outcome === 'dlq') raise(tally.dlqReasons, outcome.reason);
    else if (outcome.outcome === 'filtered') raise(tally.filteredReasons, outcome.reason);
    return outcome;
  }

  /** Nothing more for now (`idle`), or ever (`ended`): nobody waits for this partition. @returns whether that is new. */
  rest(reading: 'idle' | 'ended'): boolean {
    if (this.time.reading === reading) return false;
    this.time.reading = reading;
    this.isDirty = true;
    return true;
  }

  #decide(
    bytes: Uint8Array | null,
    filter: ((login: LoginFields) => FilterVerdict) | undefined,
  ): LoginOutcome {
    const judgement = judge(bytes, this.#rules.rules ?? LOGIN_RULES);
    if (judgement.outcome !== 'valid') return judgement;
    const { login } = judgement;
    const { user_id, device_id, timestamp } = login;
    this.time.observe(timestamp);
    if (this.#recent.has(user_id, device_id, timestamp)) return DUPLICATE;
    if (this.time.isTooLate(timestamp, this.#rules.latenessMs)) return TOO_LATE;
    const verdict = filter?.(login) ?? 'selected';
    if (verdict === 'filtered') return FILTERED;
    if (verdict === 'undecided') return UNDECIDED;
    this.#recent.add(user_id, device_id, timestamp);
    return { outcome: 'clean', login };
  }

  /** What changed since the last snapshot; the tally is kept by the caller. */
  snapshot(): StateRecord[] {
    if (!this.isDirty) return [];
    this.isDirty = false;
    const { partition } = this.tally;
    const stored: StoredPartition = { ...this.time.state, accepted: this.#recent.accepted };
    return [
      jsonRecord(`${TIME_PREFIX}${partition}`, stored),
      ...this.#recent.snapshot(`${RECENT_PREFIX}${partition}/`),
    ];
  }

  /**
   * Takes up what the newest records of each key hold, and the tally. Returns whether it was idle: it is read again, as much may
   * have come since. @throws PipelineError `BAD_STATE`.
   */
  restore(records: Iterable<StateRecord>, tally: PartitionTally | undefined): boolean {
    const { partition } = this.tally;
    const segments = new Map<number, Uint8Array>();
    let stored: StoredPartition | undefined;
    for (const { key, value } of records) {
      if (value === null) continue;
      if (key === `${TIME_PREFIX}${partition}`) stored = readJson<StoredPartition>(value);
      else if (key.startsWith(`${RECENT_PREFIX}${partition}/`)) {
        segments.set(Number(key.slice(`${RECENT_PREFIX}${partition}/`.length)), value);
      }
    }
    if (tally !== undefined) this.tally = tally;
    if (stored === undefined) return false;
    const wasIdle = stored.reading === 'idle';
    this.time = new LoginTime(wasIdle ? { ...stored, reading: 'reading' } : stored);
    this.#recent = new RecentLogins(stored.accepted, segments);
    this.isDirty = wasIdle;
    return wasIdle;
  }
}
