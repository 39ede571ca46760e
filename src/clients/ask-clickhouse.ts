import type { ClickHouseClient } from '@clickhouse/client';

/** Rows of one statement; 64-bit integers are strings. */
export async function ask<Row>(
  { clickhouse }: { readonly clickhouse: Pick<ClickHouseClient, 'query'> },
  query: string,
  params: Record<string, unknown> = {},
): Promise<Row[]> {
  const answer = await clickhouse.query({ query, format: 'JSONEachRow', query_params: params });
  return answer.json<Row>();
}
