import type { Pool } from 'pg';
import { serviceFault } from '../clients/fault.js';
import { lsnToDecimal } from '../core/barrier.js';
import { PipelineError } from '../core/errors.js';

export interface PostgresDeps {
  readonly postgres: Pick<Pool, 'query'>;
}

export type PostgresActivities = ReturnType<typeof createPostgresActivities>;

export function createPostgresActivities({ postgres }: PostgresDeps) {
  return {
    /**
     * Decimal LSN below which every transaction acknowledged so far has committed: the insert position, as the write
     * position lags behind a commit that did not wait for its flush (synchronous_commit = off).
     */
    async readPostgresPosition(): Promise<string> {
      const doing = 'reading the position of PostgreSQL';
      try {
        const answer = await postgres.query<{ lsn: string }>(
          'SELECT pg_current_wal_insert_lsn()::text AS lsn',
        );
        const lsn = answer.rows[0]?.lsn;
        if (lsn === undefined) throw new PipelineError('POSTGRES_FAILED', `${doing}: no row`);
        return lsnToDecimal(lsn);
      } catch (cause) {
        throw serviceFault('postgres', doing, cause);
      }
    },
  };
}
