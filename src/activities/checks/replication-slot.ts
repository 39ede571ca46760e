import { serviceFault } from '../../clients/fault.js';
import { lsnToDecimal } from '../../core/barrier.js';
import { POSTGRES_CONNECTOR, USERS_SLOT } from '../../core/names.js';
import type { Finding } from '../../core/verification.js';
import { failed, passed, type Check, type CheckDeps } from './check.js';

/** A minute of heavy writing; the WAL kept for a slot fills the disk in the end. */
const LAG_LIMIT_BYTES = 1024 ** 3;

export interface SlotFacts {
  /** Null: there is no such slot. */
  readonly slot: {
    readonly plugin: string | null;
    readonly database: string | null;
    readonly active: boolean;
    readonly walStatus: string | null;
    /** Decimal LSN up to which its reader has said to be done. */
    readonly confirmedLsn: string | null;
    /** PostgreSQL 17 and later: why it is of no use any more. */
    readonly invalidationReason: string | null;
  } | null;
  /** Decimal LSN of the end of the WAL. */
  readonly currentLsn: string;
  /** Decimal LSN of the connector's committed offset, read after the slot's; null: it has none. */
  readonly connectorLsn: string | null;
}

/** The slot exists, is read, is not far behind, and is the one that the connector's offset belongs to. */
export const replicationSlot: Check = {
  name: 'replication-slot',
  hop: 'postgres',
  stage: 'hops',
  run: async (deps, { options }) =>
    judgeSlot(await read(deps), deps.config.postgres.database, options.slotLagLimitBytes),
};

export function judgeSlot(
  { slot, currentLsn, connectorLsn }: SlotFacts,
  database: string,
  lagLimitBytes = LAG_LIMIT_BYTES,
): Finding {
  if (slot === null) {
    return failed(
      `replication slot ${USERS_SLOT} does not exist`,
      { slot: USERS_SLOT, connectorLsn },
      SNAPSHOT,
    );
  }
  const { plugin, active, walStatus, confirmedLsn, invalidationReason } = slot;
  const lagBytes = confirmedLsn === null ? null : BigInt(currentLsn) - BigInt(confirmedLsn);
  const evidence = {
    slot: USERS_SLOT,
    ...slot,
    currentLsn,
    connectorLsn,
    lagBytes: lagBytes === null ? null : String(lagBytes),
  };
  const fail = (summary: string, next: string): Finding =>
    failed(`slot ${USERS_SLOT} ${summary}`, evidence, next);
  if (plugin !== 'pgoutput' || slot.database !== database) {
    return fail(`is of ${plugin ?? 'no plugin'} and database ${slot.database}`, ANEW);
  }
  if (invalidationReason !== null || walStatus === 'lost') {
    return fail(`is of no use any more (${invalidationReason ?? 'its WAL is lost'})`, ANEW);
  }
  if (connectorLsn !== null && confirmedLsn !== null && BigInt(confirmedLsn) > BigInt(connectorLsn)) {
    return fail('begins past the connector’s position: it was made anew, and changes between are lost', ANEW);
  }
  if (!active) {
    return fail('is read by nobody', `look at connector ${POSTGRES_CONNECTOR} (check connectors)`);
  }
  if (lagBytes === null || lagBytes > BigInt(lagLimitBytes)) {
    const behind = lagBytes === null ? 'an unknown number of' : String(lagBytes);
    return fail(
      `is ${behind} bytes behind (limit ${lagLimitBytes})`,
      'wait until the connector has caught up; the WAL it needs is kept on the disk of PostgreSQL meanwhile',
    );
  }
  return passed(`slot ${USERS_SLOT} is read, ${lagBytes} bytes behind`, evidence);
}

const SNAPSHOT = 'tidemark up: it makes the slot, and takes a new snapshot under a new epoch';
const ANEW = `stop connector ${POSTGRES_CONNECTOR}, drop slot ${USERS_SLOT}, then tidemark up: it takes a new snapshot under a new epoch`;

interface Row {
  readonly slot: Record<string, string | boolean | null> | null;
  readonly current: string;
}

async function read({ postgres, connect }: Pick<CheckDeps, 'postgres' | 'connect'>): Promise<SlotFacts> {
  let row: Row;
  try {
    // The whole row as JSON: which columns there are depends on the version.
    const answer = await postgres.query<Row>(
      `SELECT (SELECT to_jsonb(slots) FROM pg_replication_slots AS slots WHERE slot_name = $1) AS slot,
              pg_current_wal_insert_lsn()::text AS current`,
      [USERS_SLOT],
    );
    row = answer.rows[0]!;
  } catch (cause) {
    throw serviceFault('postgres', `reading replication slot ${USERS_SLOT}`, cause);
  }
  const offset = await connect.sourceOffset(POSTGRES_CONNECTOR);
  const connectorLsn = offset?.lsn;
  return {
    slot: row.slot && slotOf(row.slot),
    currentLsn: lsnToDecimal(row.current),
    connectorLsn:
      typeof connectorLsn === 'number' || typeof connectorLsn === 'string' ? String(connectorLsn) : null,
  };
}

function slotOf(slot: NonNullable<Row['slot']>): NonNullable<SlotFacts['slot']> {
  const text = (name: string): string | null => {
    const value = slot[name];
    return typeof value === 'string' ? value : null;
  };
  const confirmed = text('confirmed_flush_lsn');
  return {
    plugin: text('plugin'),
    database: text('database'),
    active: slot.active === true,
    walStatus: text('wal_status'),
    confirmedLsn: confirmed === null ? null : lsnToDecimal(confirmed),
    invalidationReason: text('invalidation_reason'),
  };
}
