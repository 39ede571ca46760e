import { readdirSync, readFileSync } from 'node:fs';
import { holdsWithin, signalGroup } from './process-identity.js';

const FORCED_END_MS = 5_000;

/** Waits for a process group to end; ends it by force when it does not. */
export async function endGroup(leader: number, patienceMs: number): Promise<void> {
  if (await holdsWithin(patienceMs, () => !hasMembers(leader))) return;
  signalGroup(leader, 'SIGKILL');
  await holdsWithin(FORCED_END_MS, () => !hasMembers(leader));
}

/** Zombies do not count: in a container nobody may ever collect an orphan. */
function hasMembers(leader: number): boolean {
  if (!signalGroup(leader, 0)) return false;
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && isLiveMember(entry, leader));
}

/** proc(5): after the bracketed name come state, parent and process group. */
function isLiveMember(pid: string, leader: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // Gone since the folder was listed.
    return false;
  }
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(group) === leader && state !== 'Z' && state !== 'X';
}
