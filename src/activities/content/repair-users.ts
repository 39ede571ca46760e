import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { serviceFault } from '../../clients/fault.js';
import { PipelineError } from '../../core/errors.js';
import { USERS_LAYOUT } from '../../core/source-epoch.js';
import { READ_SOURCE_USERS, silverUserRows } from '../../core/users-content-sql.js';
import type { CheckDeps } from '../checks/check.js';
import { createPostgresActivities } from '../postgres.js';
import type { Progress, Repaired } from './content-table.js';
import { removeForged, REPAIR_PARTITION, REPAIR_TOPIC, repairOffset } from './repair.js';
import { epochOf } from './versions.js';

type Deps = Pick<CheckDeps, 'postgres' | 'clickhouse' | 'config'>;

/** A row as it is written: times as ISO text, null where silver holds NULL. */
interface UserRow {
  readonly user_id: string;
  readonly full_name: string;
  readonly email: string;
  readonly created_at: string | null;
  readonly updated_at: string | null;
}
type SilverUserRow = UserRow & { readonly version: string };

const ASK_EVERY_MS = 100;

/**
 * Writes what the source holds of some users, a row or its absence, under the source's position P. A change that was
 * logged before P and is committed by the time of the read is in what is read, and ranks lower; one logged at P or later ranks
 * higher. One logged before P but still open then would rank lower and yet be newer: so those are waited for first.
 * @throws PipelineError `TRANSACTIONS_OPEN` when they do not end within `patienceMs`; nothing was changed.
 */
export async function repairUsers(
  deps: Deps,
  keys: readonly string[],
  hold: Progress & { readonly patienceMs: number },
): Promise<Repaired> {
  const silver = await silverRows(deps, keys);
  const lsn = BigInt(await createPostgresActivities(deps).readPostgresPosition());
  await openOnesEnded(deps.postgres, hold);
  const epoch = await epochOf(deps.postgres, 'postgres');
  // Records begin at multiples of 8: none has this position, so that no version is there twice.
  const position = lsn - 1n;
  const version = USERS_LAYOUT.streamed(epoch, position);
  const source = await sourceRows(deps.postgres, keys);
  const forged = [...silver.values()].filter((row) => BigInt(row.version) >= version);
  await removeForged(
    deps,
    'silver_users',
    ['user_id'],
    forged.map((row) => ({ literals: [`toInt64('${row.user_id}')`], version: row.version })),
  );
  const rows = keys.flatMap((key) => {
    const present = source.get(key);
    const shown = present ?? silver.get(key);
    return shown === undefined ? [] : [{ row: shown, op: present === undefined ? 'd' : 'u' }];
  });
  await insert(
    deps,
    rows.map(({ row: { user_id, full_name, email, created_at, updated_at }, op }) => ({
      topic: REPAIR_TOPIC,
      partition: REPAIR_PARTITION,
      offset: repairOffset(version.toString(), user_id),
      kafka_time: Date.now(),
      key: JSON.stringify({ user_id }),
      raw: JSON.stringify({
        op,
        [op === 'd' ? 'before' : 'after']: { user_id, full_name, email, created_at, updated_at },
      }),
      reason: '',
      op,
      epoch,
      lsn: position.toString(),
      version: version.toString(),
      source_time: Date.now(),
      user_id,
      full_name,
      email,
      created_at,
      updated_at,
    })),
  );
  const deleted = rows.filter(({ op }) => op === 'd').length;
  return { version: version.toString(), written: rows.length - deleted, deleted, removed: forged.length };
}

/** Every transaction that may have logged a change before now has ended. A transaction has its id before it logs anything. */
async function openOnesEnded(
  postgres: Pick<Pool, 'query'>,
  { signal, progress, patienceMs }: Progress & { readonly patienceMs: number },
): Promise<void> {
  const doing = 'waiting for the transactions open in PostgreSQL';
  const ask = async (expression: string): Promise<bigint> => {
    try {
      const { rows } = await postgres.query<{ id: string }>(`SELECT ${expression}::text AS id`);
      return BigInt(rows[0]?.id ?? 0);
    } catch (cause) {
      throw serviceFault('postgres', doing, cause);
    }
  };
  // After the position was read, in a statement of its own: its snapshot is taken before anything in it is computed.
  const next = await ask('pg_snapshot_xmax(pg_current_snapshot())');
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const oldest = await ask('pg_snapshot_xmin(pg_current_snapshot())');
    if (oldest >= next) return;
    progress(`${doing}, the oldest of which is ${oldest}`);
    if (performance.now() >= untilMs) {
      throw new PipelineError('TRANSACTIONS_OPEN', `${doing}: ${oldest} has not ended; nothing was changed`, {
        retryable: true,
      });
    }
    await pause(ASK_EVERY_MS, undefined, { signal });
  }
}

async function sourceRows(
  postgres: Pick<Pool, 'query'>,
  keys: readonly string[],
): Promise<Map<string, UserRow>> {
  try {
    const { rows } = await postgres.query<UserRow>(READ_SOURCE_USERS, [keys]);
    return new Map(rows.map((row) => [row.user_id, row]));
  } catch (cause) {
    throw serviceFault('postgres', 'reading users to repair them', cause);
  }
}

async function silverRows(
  { clickhouse, config }: Deps,
  keys: readonly string[],
): Promise<Map<string, SilverUserRow>> {
  try {
    const query = silverUserRows(config.clickhouse.database, keys);
    const answer = await clickhouse.query({ query, format: 'JSONEachRow' });
    return new Map((await answer.json<SilverUserRow>()).map((row) => [row.user_id, row]));
  } catch (cause) {
    throw serviceFault('clickhouse', 'reading silver_users to repair them', cause);
  }
}

/** Into the table that routes: bronze keeps what was done, and silver gets it as it gets every change. */
async function insert({ clickhouse, config }: Deps, values: readonly object[]): Promise<void> {
  try {
    await clickhouse.insert({
      table: `${config.clickhouse.database}.parsed_users`,
      values,
      format: 'JSONEachRow',
      clickhouse_settings: { date_time_input_format: 'best_effort' },
    });
  } catch (cause) {
    throw serviceFault('clickhouse', 'writing repaired users', cause);
  }
}
