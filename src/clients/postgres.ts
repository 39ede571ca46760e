import pg from 'pg';
import type { Config } from '../config.js';

/** A small pool: short statements of activities and of the set-up. Close it with `end()`. */
export function connectPostgres(config: Config): pg.Pool {
  const { host, port, user, password, database } = config.postgres;
  const pool = new pg.Pool({ host, port, user, password, database, max: 4, connectionTimeoutMillis: 5_000 });
  // An idle connection that breaks is replaced by the pool; the next query reports what is wrong, if anything.
  pool.on('error', () => undefined);
  return pool;
}
