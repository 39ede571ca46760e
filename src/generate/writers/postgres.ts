import type { Pool, PoolClient } from 'pg';
import { PipelineError } from '../../core/errors.js';
import type { UserOperation, UserRow } from '../users.js';
import { segments, type Write } from './segments.js';

/** One transaction a batch; within it one statement for each kind of change that does not depend on another. */
export function userWriter(pool: Pool): Write<UserOperation> {
  return async (batch) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      for (const segment of segments(batch, keysOf)) await writeSegment(client, segment);
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      // Closing the connection is the one way to end the transaction that works whatever went wrong.
      client.release(true);
      throw error;
    }
  };
}

const keysOf = (operation: UserOperation): string[] => {
  if (operation.op === 'delete') return [operation.user_id];
  return operation.op === 'changeKey' ? [operation.from, operation.row.user_id] : [operation.row.user_id];
};

async function writeSegment(client: PoolClient, operations: readonly UserOperation[]): Promise<void> {
  const ofKind = <Kind extends UserOperation['op']>(kind: Kind): Extract<UserOperation, { op: Kind }>[] =>
    operations.filter(
      (operation): operation is Extract<UserOperation, { op: Kind }> => operation.op === kind,
    );
  const inserts = ofKind('insert').map(({ row }) => row);
  const updates = ofKind('update').map(({ row }) => row);
  const changes = ofKind('changeKey');
  const deletes = ofKind('delete').map(({ user_id }) => user_id);
  const rowsOfChanges = changes.map(({ row }) => row);
  await run(client, 'inserting', INSERT, inserts.length, columns(inserts));
  await run(client, 'updating', UPDATE, updates.length, [ids(updates), ...columns(updates)]);
  await run(client, 'changing keys of', UPDATE, changes.length, [
    changes.map(({ from }) => from),
    ...columns(rowsOfChanges),
  ]);
  await run(
    client,
    'deleting',
    'DELETE FROM public.users WHERE user_id = ANY ($1::bigint[])',
    deletes.length,
    [deletes],
  );
}

const NEW_ROW = 'new_row (user_id, full_name, email, created_at, updated_at)';

const INSERT = `
  INSERT INTO public.users (user_id, full_name, email, created_at, updated_at)
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])`;

/** Also changes keys: a row's old key comes first, its new one second. */
const UPDATE = `
  UPDATE public.users AS old
  SET user_id = new_row.user_id, full_name = new_row.full_name, email = new_row.email,
      created_at = new_row.created_at, updated_at = new_row.updated_at
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
       AS ${NEW_ROW.replace('(', '(old_id, ')}
  WHERE old.user_id = new_row.old_id`;

const ids = (rows: readonly UserRow[]): string[] => rows.map((row) => row.user_id);

const columns = (rows: readonly UserRow[]): string[][] => [
  ids(rows),
  rows.map((row) => row.full_name),
  rows.map((row) => row.email),
  rows.map((row) => row.created_at),
  rows.map((row) => row.updated_at),
];

/** @throws PipelineError `SOURCE_CHANGED` when other rows were there than the run itself had written. */
async function run(
  client: PoolClient,
  what: string,
  text: string,
  expectedRows: number,
  values: readonly (readonly string[])[],
): Promise<void> {
  if (expectedRows === 0) return;
  const { rowCount } = await client.query(text, [...values]);
  if (rowCount === expectedRows) return;
  throw new PipelineError(
    'SOURCE_CHANGED',
    `${what} users: ${rowCount ?? 0} of ${expectedRows} rows were there; someone else changes rows of this seed`,
    { at: { table: 'public.users' } },
  );
}
