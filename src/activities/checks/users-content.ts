import { contentCheck } from '../content/check.js';
import { usersTable } from '../content/users-table.js';

/** silver_users against public.users, row by row, by content. */
export const usersContent = contentCheck({
  name: 'users-content',
  hop: 'postgres -> clickhouse',
  open: usersTable,
});
