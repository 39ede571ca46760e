import { serviceFault } from '../../clients/fault.js';
import type { Observation } from '../../core/difference.js';
import { ALL_USERS, OBSERVE_SOURCE_USERS, observeSilverUsers } from '../../core/users-content-sql.js';
import type { CheckDeps } from '../checks/check.js';
import type { ContentLimits, ContentTable, Progress } from './content-table.js';
import { findSuspects } from './find-suspects.js';
import { usersPosition } from './position.js';
import { repairUsers } from './repair-users.js';
import { silverUsers, sourceUsers } from './users-store.js';

/** Rows of a chunk of the first pass; a differing one is cut into so many parts; so few are listed. */
const CHUNK_ROWS = 10_000;
const SIZES = { listRows: 1_000, parts: 16 };
/** Keys that one statement asks for. */
const KEYS_A_STATEMENT = 5_000;

interface SilverUser {
  readonly key: string;
  readonly token: string;
  readonly content: string | null;
}

export function usersTable(
  deps: Omit<CheckDeps, 'temporal'>,
  { signal, progress }: Progress,
  limits: ContentLimits,
): ContentTable {
  const { database } = deps.config.clickhouse;
  return {
    table: 'users',
    position: () => usersPosition(deps, { patienceMs: limits.patienceMs, progress }),
    findSuspects: () =>
      findSuspects(sourceUsers(deps.postgres), silverUsers(deps.clickhouse, database), {
        whole: ALL_USERS,
        chunkRows: CHUNK_ROWS,
        sizes: SIZES,
        maxSuspects: limits.maxSuspects,
        signal,
        progress,
      }),
    async observe(keys) {
      const observations: Observation[] = [];
      for (let at = 0; at < keys.length; at += KEYS_A_STATEMENT) {
        signal.throwIfAborted();
        observations.push(...(await observeUsers(deps, keys.slice(at, at + KEYS_A_STATEMENT))));
      }
      return observations;
    },
    repair: (keys) => repairUsers(deps, keys, { signal, progress, patienceMs: limits.patienceMs }),
  };
}

async function observeUsers(
  { postgres, clickhouse, config }: Pick<CheckDeps, 'postgres' | 'clickhouse' | 'config'>,
  keys: readonly string[],
): Promise<Observation[]> {
  const silver = new Map<string, SilverUser>();
  try {
    const query = observeSilverUsers(config.clickhouse.database, keys);
    const answer = await clickhouse.query({ query, format: 'JSONEachRow' });
    for (const row of await answer.json<SilverUser>()) silver.set(row.key, row);
  } catch (cause) {
    throw serviceFault('clickhouse', 'looking at differing users', cause);
  }
  // After silver: core/difference.ts says why.
  const source = new Map<string, string>();
  try {
    const { rows } = await postgres.query<{ key: string; content: string }>(OBSERVE_SOURCE_USERS, [keys]);
    for (const { key, content } of rows) source.set(key, content);
  } catch (cause) {
    throw serviceFault('postgres', 'looking at differing users', cause);
  }
  return keys.map((key) => ({
    key,
    token: silver.get(key)?.token ?? '-',
    silver: silver.get(key)?.content ?? null,
    source: source.get(key) ?? null,
  }));
}
