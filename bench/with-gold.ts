import type { ClickHouseClient } from '@clickhouse/client';
import type { Stack } from '../infra/embedded/index.js';
import { connectClickHouse } from '../src/clients/clickhouse.js';
import { Tidemark } from '../src/index.js';
import { provision } from '../src/provision.js';
import { GOLD_SERVICES } from '../test/support/gold-stack.js';
import { withStack } from '../test/support/with-stack.js';

/** All that gold is made by, provisioned, and a client that waits for long statements. */
export interface GoldBench {
  readonly stack: Stack;
  readonly tidemark: Tidemark;
  readonly clickhouse: ClickHouseClient;
}

const LONGEST_STATEMENT_MS = 10 * 60_000;

/** A pipeline of its own for a benchmark of gold. */
export const withGold = <T>(use: (gold: GoldBench) => Promise<T>): Promise<T> =>
  withStack(GOLD_SERVICES, async (stack) => {
    await provision(stack.config, () => undefined);
    const tidemark = new Tidemark(stack.config);
    const clickhouse = connectClickHouse(stack.config, LONGEST_STATEMENT_MS);
    try {
      return await use({ stack, tidemark, clickhouse });
    } finally {
      await Promise.all([tidemark.close(), clickhouse.close()]);
    }
  });
