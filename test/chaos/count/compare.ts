import { resultKey, type UniqueUsersResult } from '../../../src/core/uniques-result.js';
import type { ExactCount } from '../../../src/generate/frames-answer.js';
import type { Comparison } from '../replay/records.js';
import type { CountOutcome } from './scene.js';

/**
 * A run against an undisturbed one: results of windows by content, sketches by their bytes, and what is in quarantine, where
 * each frame may be once.
 */
export function compareRuns(expected: CountOutcome, found: CountOutcome): Comparison {
  const total = { expected: 0, found: 0, lost: 0, doubled: 0, different: 0 };
  for (const which of ['results', 'sketches'] as const) {
    total.expected += expected[which].size;
    total.found += found[which].size;
    for (const [key, value] of expected[which]) {
      const other = found[which].get(key);
      if (other === undefined) total.lost += 1;
      else if (other !== value) total.different += 1;
    }
    for (const key of found[which].keys()) if (!expected[which].has(key)) total.different += 1;
  }
  const [refused, refusedNow] = [new Set(expected.quarantined), new Set(found.quarantined)];
  total.expected += refused.size;
  total.found += refusedNow.size;
  total.doubled = found.quarantined.length - refusedNow.size;
  for (const frame of refused) if (!refusedNow.has(frame)) total.lost += 1;
  for (const frame of refusedNow) if (!refused.has(frame)) total.different += 1;
  return total;
}

/** Windows of a run that the exact answer does not bear out: another number of frames, or users off by more than `sigmas`. */
export function exactFaults(
  answers: readonly ExactCount[],
  { newest }: CountOutcome,
  sigmas: number,
): string[] {
  const faults: string[] = [];
  if (newest.size !== answers.length) faults.push(`${newest.size} windows for ${answers.length}`);
  for (const { window, start, users, frames } of answers) {
    const key = `${window}/${start}`;
    const result = newest.get(key);
    if (result === undefined) faults.push(`${key} is missing`);
    else if (result.frames !== frames) faults.push(`${key}: ${result.frames} frames for ${frames}`);
    else if (Math.abs(result.users - users) > sigmas * result.error * users) {
      faults.push(`${key}: ${result.users} users for ${users}`);
    } else if (result.status === 'provisional') faults.push(`${key} is not final`);
  }
  return faults;
}

/** Results that may not follow the one before of their window: `provisional` ones, one `final`, `revised` 1, 2, ...; never fewer frames. */
export function orderFaults(results: readonly UniqueUsersResult[]): string[] {
  const newest = new Map<string, UniqueUsersResult>();
  return results.flatMap((result) => {
    const key = resultKey(result);
    const before = newest.get(key);
    newest.set(key, result);
    const told = (one?: UniqueUsersResult) =>
      one === undefined ? 'nothing' : `${one.status} ${one.revision} of ${one.frames} frames`;
    return mayFollow(before, result) ? [] : [`${key}: ${told(result)} after ${told(before)}`];
  });
}

function mayFollow(before: UniqueUsersResult | undefined, { status, revision, frames }: UniqueUsersResult) {
  if (frames < (before?.frames ?? 1)) return false;
  const wasFinal = before !== undefined && before.status !== 'provisional';
  return wasFinal ? status === 'revised' && revision === before.revision + 1 : status !== 'revised';
}
