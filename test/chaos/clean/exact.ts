import type { LoginAnswer } from '../../../src/generate/logins-answer.js';
import type { CleanOutcome } from './scene.js';

/** By how many sigmas users may be off where they are estimated; a few of hundreds may be beyond 3, none beyond the most. */
const SIGMAS = 3;
const MOST_SIGMAS = 4.5;
/** Of normal errors 0.27 % are beyond 3 sigma. */
const SHARE_BEYOND = 0.01;

/** Everything in which a cleaning differs from the generator's answer. Empty when it is exact. */
export function exactFaults(answers: readonly LoginAnswer[], outcome: CleanOutcome): string[] {
  return [
    ...identityFaults(answers, outcome),
    ...windowFaults(answers, outcome),
    ...alertFaults(answers, outcome),
  ];
}

/** Clean records, dead letters by reason and what was filtered, per partition, each once. */
function identityFaults(
  answers: readonly LoginAnswer[],
  { clean, dead, identities }: CleanOutcome,
): string[] {
  const faults: string[] = [];
  if (new Set(clean).size !== clean.length) faults.push('a clean record is there twice');
  if (new Set(dead).size !== dead.length) faults.push('a dead letter is there twice');
  for (const answer of answers) {
    if (answer.type !== 'partition') continue;
    const { partition, read, clean: expected, dlq, filtered } = answer;
    const differs = (what: string, wanted: unknown, found: unknown): void => {
      const [a, b] = [sorted(wanted), sorted(found)];
      if (a !== b) faults.push(`partition ${partition}: ${what}: ${b} for ${a}`);
    };
    const own = <T extends string>(all: readonly T[]): T[] =>
      all.filter((at) => at.startsWith(`${partition}/`));
    differs('clean records', expected, own(clean).length);
    differs('order of clean records', true, isAscending(own(clean).map((at) => Number(at.split('/')[1]))));
    differs('dead letters', dlq, countBy(own(dead).map((letter) => letter.split(' ')[1]!)));
    const identity = identities.get(partition);
    differs('read', read, identity?.read);
    differs('offset', read, identity?.offset);
    differs('clean', expected, identity?.clean);
    differs('dlq', dlq, identity?.dlqReasons);
    differs('filtered', filtered, identity?.filteredReasons);
  }
  return faults;
}

function windowFaults(answers: readonly LoginAnswer[], { windows }: CleanOutcome): string[] {
  const faults: string[] = [];
  const beyond: string[] = [];
  let estimated = 0;
  const expected = answers.flatMap((answer) => (answer.type === 'window' ? [answer] : []));
  if (windows.size !== expected.length) faults.push(`${windows.size} windows for ${expected.length}`);
  for (const { start, dimension, value, logins, users } of expected) {
    const key = `window/${seconds(start)}/${dimension}/${value}`;
    const found = windows.get(key);
    if (found === undefined) faults.push(`${key} is missing`);
    else if (found.logins !== logins) faults.push(`${key}: ${found.logins} logins for ${logins}`);
    else if (found.status === 'provisional') faults.push(`${key} is not final`);
    else if (found.error === 0 && found.users !== users)
      faults.push(`${key}: ${found.users} users for ${users}`);
    else if (found.error > 0) {
      estimated++;
      const sigmas = Math.abs(found.users - users) / (found.error * users);
      if (sigmas > SIGMAS)
        beyond.push(`${key}: ${found.users} users for ${users}, ${sigmas.toFixed(1)} sigma`);
      if (sigmas > MOST_SIGMAS) faults.push(beyond.at(-1)!);
    }
  }
  if (beyond.length > Math.ceil(SHARE_BEYOND * estimated)) faults.push(...beyond);
  return faults;
}

function alertFaults(answers: readonly LoginAnswer[], { alerts }: CleanOutcome): string[] {
  const faults: string[] = [];
  const expected = answers.flatMap((answer) => (answer.type === 'alert' ? [answer] : []));
  if (alerts.size !== expected.length) faults.push(`${alerts.size} alerts for ${expected.length}`);
  for (const { kind, start, subject, count } of expected) {
    const key = `alert/${seconds(start)}/${kind}/${subject}`;
    const found = alerts.get(key);
    if (found === undefined) faults.push(`${key} is missing`);
    else if (found.status !== 'closed') faults.push(`${key} is not closed`);
    else if (found.count !== count) faults.push(`${key}: ${found.count} for ${count}`);
  }
  return faults;
}

/** Everything in which two cleanings of the same messages differ, but for moments and revisions. */
export function runFaults(expected: CleanOutcome, found: CleanOutcome): string[] {
  const texts = ({ clean, dead, windows, alerts, identities }: CleanOutcome): Map<string, string> => {
    const all = new Map<string, string>([
      ['clean', [...clean].sort().join()],
      ['dead', dead.join()],
    ]);
    for (const [key, { logins, users, error }] of windows) all.set(key, `${logins} ${users} ${error}`);
    for (const [key, { count, status }] of alerts) all.set(key, `${count} ${status}`);
    for (const [partition, identity] of identities)
      all.set(`identity/${partition}`, sorted({ ...identity, emittedAt: '' }));
    return all;
  };
  const [a, b] = [texts(expected), texts(found)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key));
}

/** `2026-11-20T09:00:00.000Z` or without the milliseconds: without. */
const seconds = (iso: string): string => iso.replace('.000Z', 'Z');
const isAscending = (numbers: readonly number[]): boolean =>
  numbers.every((n, i) => i === 0 || n > numbers[i - 1]!);

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const sorted = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : JSON.stringify(value);
