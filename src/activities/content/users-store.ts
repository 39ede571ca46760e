import type { ClickHouseClient } from '@clickhouse/client';
import type { Pool } from 'pg';
import { serviceFault } from '../../clients/fault.js';
import { chunksOf, digestOf, NO_ROWS, type Cut, type KeyRange } from '../../core/content.js';
import {
  CUT_SOURCE_USERS,
  cutSilverUsers,
  DIGEST_SOURCE_USERS,
  digestSilverUsers,
  LIST_SOURCE_USERS,
  listSilverUsers,
} from '../../core/users-content-sql.js';
import type { ContentStore } from './store.js';

interface Sums {
  readonly rows: string;
  readonly high: string;
  readonly low: string;
}
type CutRow = Sums & { readonly firstKey: string };
type ListRow = { readonly key: string; readonly content: string };

const digest = ({ rows, high, low }: Sums) => digestOf(Number(rows), high, low);
const cutOf = (row: CutRow): Cut => ({ firstKey: BigInt(row.firstKey), digest: digest(row) });
const contents = (rows: readonly ListRow[]) => new Map(rows.map(({ key, content }) => [key, content]));

/** `public.users`. */
export function sourceUsers(postgres: Pick<Pool, 'query'>): ContentStore {
  const ask = async <Row extends object>(text: string, values: unknown[]): Promise<Row[]> => {
    try {
      return (await postgres.query<Row>(text, values)).rows;
    } catch (cause) {
      throw serviceFault('postgres', 'reading users to compare them', cause);
    }
  };
  return {
    async cut(range, rowsPerPart) {
      const bounds = [range.from.toString(), (range.to - 1n).toString()];
      const rows = await ask<CutRow>(CUT_SOURCE_USERS, [...bounds, rowsPerPart]);
      return chunksOf(range, rows.map(cutOf));
    },
    async digests(ranges) {
      const last = ranges.at(-1);
      if (last === undefined) return [];
      const firstKeys = ranges.map(({ from }) => from.toString());
      const rows = await ask<Sums & { part: number }>(DIGEST_SOURCE_USERS, [
        firstKeys,
        (last.to - 1n).toString(),
      ]);
      const byPart = new Map(rows.map((row) => [row.part, digest(row)]));
      return ranges.map((_, i) => byPart.get(i + 1) ?? NO_ROWS);
    },
    async list(ranges) {
      const first = ranges.map(({ from }) => from.toString());
      const last = ranges.map(({ to }) => (to - 1n).toString());
      return contents(await ask<ListRow>(LIST_SOURCE_USERS, [first, last]));
    },
  };
}

/** The live users of silver. */
export function silverUsers(clickhouse: Pick<ClickHouseClient, 'query'>, database: string): ContentStore {
  const ask = async <Row>(query: string): Promise<Row[]> => {
    try {
      return await (await clickhouse.query({ query, format: 'JSONEachRow' })).json<Row>();
    } catch (cause) {
      throw serviceFault('clickhouse', 'reading silver_users to compare them', cause);
    }
  };
  return {
    async cut(range, rowsPerPart) {
      const rows = await ask<CutRow>(cutSilverUsers(database, range, rowsPerPart));
      return chunksOf(range, rows.map(cutOf));
    },
    async digests(ranges: readonly KeyRange[]) {
      if (ranges.length === 0) return [];
      const rows = await ask<CutRow>(digestSilverUsers(database, ranges));
      const byFirstKey = new Map(rows.map((row) => [row.firstKey, digest(row)]));
      return ranges.map(({ from }) => byFirstKey.get(from.toString()) ?? NO_ROWS);
    },
    list: async (ranges) => contents(await ask<ListRow>(listSilverUsers(database, ranges))),
  };
}
